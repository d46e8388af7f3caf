"""The command line, as a person uses it."""

import os
import signal
import subprocess
import sys
import time

import pytest

from face_extraction.__main__ import main
from face_extraction.images import read_rgb, write_image
from face_extraction.ledger import read_ledger
from face_extraction.manifest import read_manifest
from face_extraction.settings import CropSpec, ExtractionSettings, read_settings

COMMAND = [sys.executable, "-m", "face_extraction"]
needs_groups = pytest.mark.skipif(not hasattr(os, "killpg"), reason="no process groups on this system")


@pytest.fixture
def raw(tmp_path, draw_faces, write_clip):
    """Two photos and a clip with faces, and all that can be wrong with a file."""
    root = tmp_path / "raw"
    face = draw_faces((160, 120, 110))
    write_image(root / "real/ann 1.png", face)
    write_image(root / "real/bob.jpg", face, "jpg")
    write_clip(root / "fake/clip.mp4", [face] * 8)
    write_image(root / "fake/empty wall.png", draw_faces())
    (root / "real/half.jpg").write_bytes((root / "real/bob.jpg").read_bytes()[:900])
    (root / "real/zero.jpg").write_bytes(b"")
    (root / "fake/text.mp4").write_text("no clip")
    (root / "fake/Thumbs.db").write_bytes(b"x")
    return root


def test_a_tree_of_good_and_bad_files(raw, tmp_path, capfd):
    out = tmp_path / "out"
    options = ["--faces-per-video", "2", "--size", "48", "--margin", "0.5", "--workers", "1"]

    status = main(["folders", "--root", str(raw), "--out", str(out), *options])

    printed, noise = capfd.readouterr()
    assert status == 1
    assert read_settings(out) == ExtractionSettings(faces_per_video=2, crop=CropSpec(size=48, margin=0.5))
    samples = read_manifest(out / "manifest.csv")
    assert [(sample.label, sample.group, sample.frame) for sample in samples] == [
        (0, "ann 1", 0),
        (0, "bob", 0),
        (1, "clip", 2),
        (1, "clip", 6),
    ]
    assert all(read_rgb(out / sample.path).shape == (48, 48, 3) for sample in samples)
    assert [(row.path, row.reason) for row in read_ledger(out / "ledger.csv")] == [
        ("real/half.jpg", "unreadable"),
        ("real/zero.jpg", "unreadable"),
        ("fake/empty wall.png", "no_face"),
        ("fake/text.mp4", "unreadable"),
    ]
    assert "left out, neither photo nor video: 1 (" in printed
    assert "4 faces from 7 items" in printed
    assert "3 unreadable: the file cannot be decoded" in printed
    assert [line for line in noise.splitlines() if not line.startswith("faces: ")] == []


def test_nothing_in_the_ledger_is_status_0(tmp_path, draw_faces, capsys):
    for name in ("real/a.png", "fake/b.png"):
        write_image(tmp_path / "raw" / name, draw_faces((160, 120, 110)))

    status = main(
        ["folders", "--root", str(tmp_path / "raw"), "--out", str(tmp_path / "out"), "--workers", "1"]
    )

    assert status == 0
    assert "ledger.csv" not in capsys.readouterr().out


def test_ready_made_crops(tmp_path, draw_faces, capsys):
    root = tmp_path / "set"
    for name in ("a", "b"):
        write_image(root / f"faces_224/{name}.jpg", draw_faces(), "jpg")
    lines = [
        "videoname,original_width,original_height,label,original",
        "a.mp4,9,8,FAKE,b.mp4",
        "b.mp4,7,7,REAL,",
    ]
    (root / "metadata.csv").write_text("\n".join(lines) + "\n")

    status = main(["deepfake-faces", "--root", str(root), "--out", str(tmp_path / "out"), "--workers", "1"])

    assert status == 0
    samples = read_manifest(tmp_path / "out/manifest.csv")
    assert [(sample.label, sample.group, sample.width, sample.height) for sample in samples] == [
        (1, "b", 9, 8),
        (0, "b", 7, 7),
    ]
    assert read_settings(tmp_path / "out") is None
    empty = {"train", "val", "test"} - {samples[0].split}
    noted = [line.split("'")[1] for line in capsys.readouterr().out.splitlines() if line.startswith("note:")]
    assert sorted(noted) == sorted([*empty, *empty])  # of each class


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["foldrs", "--root", "x"], "unknown data set or command 'foldrs' (nearest: folders)"),
        ([], "the following arguments are required: DATASET"),
        (["chek"], "unknown data set or command 'chek' (nearest: check)"),
        (["check"], "the following arguments are required: DATASET"),
        (["check", "foldrs"], "unknown data set 'foldrs' (nearest: folders)"),
        (["check", "folders", "--root", "absent"], "absent: no such folder"),
        (["check", "folders", "--out", "x"], "the following arguments are required: --root"),
        (["download", "celeb"], "unknown data set 'celeb' (nearest: celebdf)"),
        (["download", "celebdf", "--out", "o"], "celebdf has no public download; ask for it"),
        (["manifest", "--out", "o"], "the following arguments are required: MANIFEST"),
        (["manifest", "a.csv", "--out", "o"], "a.csv: no such manifest"),
        (["celebdf", "--root", ".", "--out", "o", "--protocol", "x"], "unknown protocol 'x'"),
        (["folders", "--root", "x"], "the following arguments are required: --out"),
        (["folders", "--root", "absent", "--out", "o"], "absent: no such folder"),
        (
            ["folders", "--root", ".", "--out", "o", "--policy", "largset"],
            "unknown policy 'largset' (nearest: largest)",
        ),
        (["folders", "--root", ".", "--out", "o", "--size", "1"], "size 1; accepted: 16 to 2,048 pixels"),
        (["folders", "--root", ".", "--out", "o", "--val", "2"], "split shares val 2.0"),
        (["folders", "--root", ".", "--out", "o", "--workers", "0"], "--workers 0; accepted: 1 to 1,024"),
        *[
            (
                ["folders", "--root", ".", "--out", "o", "--dask", "tcp://x:1", option, "9"],
                f"{option} sets processes started here; accepted: it or --dask, not both",
            )
            for option in ("--workers", "--time-limit")
        ],
        (
            ["deepfake-faces", "--root", ".", "--out", "o", "--min-face", "60"],
            "unrecognized arguments: --min-face",
        ),
    ],
)
def test_wrong_use_is_one_line_and_status_2(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        status = main(arguments)
    except SystemExit as stop:
        status = stop.code

    error = capsys.readouterr().err
    assert status == 2
    assert message in error
    assert error.startswith("python -m face_extraction")
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["folders", "--help"],
        ["deepfake-faces", "--help"],
        ["check", "--help"],
        ["check", "dfdc", "--help"],
        ["download", "kaggle-faces", "--help"],
        ["manifest", "--help"],
    ],
)
def test_help_loads_neither_dlib_nor_opencv(arguments):
    code = (
        "import sys; from face_extraction.__main__ import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print([name for name in ('cv2', 'dlib', 'numpy') if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )

    assert done.stdout.startswith("usage: python -m face_extraction")
    assert done.stdout.endswith("\n[]\n")


def _wait_for(journal, lines, process):
    limit = time.monotonic() + 60
    while not journal.exists() or journal.read_bytes().count(b"\n") < lines:
        assert process.poll() is None, "the extraction ended before it could be stopped"
        assert time.monotonic() < limit
        time.sleep(0.02)


@pytest.fixture
def start(tmp_path, draw_faces):
    """start(name) -> an extraction of ten photos into tmp_path / name, running in a process group."""
    for index in range(5):
        for name in ("real", "fake"):
            rgb = draw_faces((320 + index, 240, 150), width=640, height=480)
            write_image(tmp_path / f"raw/{name}/{index}.png", rgb)

    def run(name):
        options = ["--root", str(tmp_path / "raw"), "--out", str(tmp_path / name), "--workers", "1"]
        return subprocess.Popen(
            [*COMMAND, "folders", *options],
            start_new_session=True,
            # A suite that runs in the background of a shell has Ctrl-C switched off, for its children too.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    return run


@needs_groups
def test_a_killed_run_goes_on_and_ends_in_the_same_manifest(tmp_path, start):
    process, whole = start("cut"), start("whole")
    _wait_for(tmp_path / "cut/journal.jsonl", 4, process)

    os.killpg(process.pid, signal.SIGKILL)

    process.communicate()
    assert not (tmp_path / "cut/manifest.csv").exists()
    again = start("cut")
    for running in (again, whole):
        running.communicate()
        assert running.returncode == 0
    samples = read_manifest(tmp_path / "whole/manifest.csv")
    assert len(samples) == 10
    for name in ("manifest.csv", "ledger.csv", *(sample.path for sample in samples)):
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@needs_groups
def test_ctrl_c_is_one_line_and_keeps_what_is_finished(tmp_path, start):
    process = start("out")
    _wait_for(tmp_path / "out/journal.jsonl", 3, process)

    os.killpg(process.pid, signal.SIGINT)

    errors = process.communicate()[1]
    assert process.returncode == 130
    assert errors.endswith("python -m face_extraction folders: interrupted; finished work is kept\n")
    assert "Traceback" not in errors
    assert not (tmp_path / "out/manifest.csv").exists()
    assert (tmp_path / "out/journal.jsonl").read_bytes().count(b"\n") >= 3


@pytest.mark.shared
@pytest.mark.slow
def test_real_clips_give_faces_and_the_dark_one_is_listed(shared, tmp_path, capsys):
    root = shared / "data/videos"

    status = main(["folders", "--root", str(root), "--out", str(tmp_path / "out"), "--workers", "2"])

    assert status == 1
    clips = {sample.video for sample in read_manifest(tmp_path / "out/manifest.csv")}
    given = {path.relative_to(root).as_posix() for path in root.glob("*/*.mp4")}
    assert given - clips == {"fake/dfdc_abofeumbvv.mp4"}
    rows = read_ledger(tmp_path / "out/ledger.csv")
    assert [(row.path, row.reason) for row in rows] == [("fake/dfdc_abofeumbvv.mp4", "no_face")]


def test_only_what_can_be_downloaded_is_offered(capsys):
    shown = {}
    for command in ("check", "download"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        shown[command] = capsys.readouterr().out
    assert "\n  celebdf " in shown["check"]
    assert "\n  celebdf " not in shown["download"]
    assert "\n  kaggle-faces " in shown["download"]


@pytest.mark.parametrize(
    "command", ["", "folders", "dfdc", "merge", "manifest", "check dfdc", "download kaggle-faces"]
)
def test_help_has_an_example(command, capsys):
    with pytest.raises(SystemExit):
        main([*command.split(), "--help"])
    assert f"example:\n  python -m face_extraction {command}" in capsys.readouterr().out
