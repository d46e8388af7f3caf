"""The CSV file that everything speaks."""

import hashlib
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_extraction.errors import InputError
from face_extraction.manifest import (
    Box,
    FaceSample,
    check_groups,
    count_table,
    manifest_hash,
    of_split,
    read_manifest,
    write_manifest,
)
from face_extraction.settings import CropSpec, ExtractionSettings, write_settings

FULL = FaceSample(
    path="faces/fake/a.png",
    label=1,
    split="val",
    group="004",
    video="004_982",
    frame=15,
    time=0.500501,
    box=Box(1, 40, 30, 2),
    width=176,
    height=175,
    method="NeuralTextures",
    source="ff++",
    person=2,
    digest="0a1b",
    found_by="hog",
)
STILL = FaceSample("faces/real/b.png", 0, "train", "005")
ROW = "a.png,0,train,g"


def _read(folder, *lines):
    (folder / "manifest.csv").write_text("\n".join(lines) + "\n")
    return read_manifest(folder / "manifest.csv")


def test_the_files_text_is_as_documented(tmp_path):
    write_manifest(tmp_path / "manifest.csv", [FULL, STILL])

    assert (tmp_path / "manifest.csv").read_bytes().decode() == (
        "path,label,split,group,video,frame,time,top,right,bottom,left,width,height,method,source,"
        "person,rotation,digest,found_by\n"
        "faces/fake/a.png,1,val,004,004_982,15,0.500501,1,40,30,2,176,175,NeuralTextures,ff++,2,0,0a1b,hog\n"
        "faces/real/b.png,0,train,005,,0,0.0,0,0,0,0,0,0,,,0,0,,\n"
    )


_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@given(
    st.builds(
        FaceSample,
        path=st.just("a.png"),
        label=st.sampled_from([-1, 0, 1]),
        split=st.sampled_from(["train", "val", "test"]),
        group=_TEXT.filter(bool),
        video=_TEXT,
        frame=st.integers(0, 10**6),
        time=st.floats(0, 1e6),
        box=st.builds(Box, *[st.integers(-100, 10_000)] * 4),
        width=st.integers(0, 10_000),
        height=st.integers(0, 10_000),
        method=_TEXT,
        source=_TEXT,
        person=st.integers(0, 99),
        rotation=st.sampled_from([0, 90, 180, 270]),
        digest=_TEXT,
        found_by=_TEXT,
    )
)
def test_every_sample_comes_back(tmp_path_factory, sample):
    path = tmp_path_factory.mktemp("manifest") / "manifest.csv"
    write_manifest(path, [sample])

    assert read_manifest(path) == [sample]


def test_columns_may_come_in_any_order_and_most_be_left_out(tmp_path):
    samples = _read(tmp_path, "group,path,split,label", "g,a.png,test,-1")

    assert samples == [FaceSample("a.png", -1, "test", "g")]


def test_rows_without_any_value_are_none(tmp_path):
    path = tmp_path / "manifest.csv"
    path.write_text("path,label,split,group\na.png,0,train,g\n,,,\n\nb.png,1,val,h\n,,,,\n")

    assert [sample.path for sample in read_manifest(path)] == ["a.png", "b.png"]
    path.write_text("path,label,split,group\na.png,0,train,g\nb.png,1\n")
    with pytest.raises(InputError, match="row 3: the number of values is not the number of columns"):
        read_manifest(path)


def test_a_byte_order_mark_as_spreadsheets_write_is_no_part_of_a_name(tmp_path):
    assert _read(tmp_path, "\ufeffpath,label,split,group", ROW) == [FaceSample("a.png", 0, "train", "g")]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([""], "missing column path, label, split, group"),
        (["path,label,split", "a.png,0,train"], "missing column group; needed: path, label, split, group"),
        (["path,label,split,group,vidoe", ROW + ",x"], r"unknown column 'vidoe' \(nearest: video\)"),
        (["path,label,split,group,label", ROW + ",1"], "column label stands twice in the header"),
        (["path,label,split,group"], "has no rows"),
        (["path,label,split,group", "a.png,0,train"], "row 2: the number of values"),
        (["path,label,split,group", ROW + ",more"], "row 2: the number of values"),
        (["path,label,split,group", ROW, "b.png,fake,train,h"], "row 3: label 'fake'; accepted: 1 = fake"),
        (["path,label,split,group", "a.png,0,trian,g"], r"row 2: unknown split 'trian' \(nearest: train\)"),
        (["path,label,split,group", "a.png,0,train,"], "row 2: the group is empty"),
        (["path,label,split,group,width", ROW + ",wide"], "row 2: width 'wide' is not a number"),
        (["path,label,split,group,time", ROW + ",1s"], "row 2: time '1s' is not a number"),
        (["path,label,split,group,time", ROW + ",nan"], "row 2: time 'nan' is not a number"),
        (["path,label,split,group,frame", ROW + ",1.5"], "row 2: frame '1.5' must be a whole number"),
        (["path,label,split,group,frame", ROW + ",inf"], "row 2: frame 'inf' is not a number"),
        (["path,label,split,group,frame", ROW + "," + "9" * 5000], "9' is not a number"),
        ([",path,label,split,group", "0," + ROW], "column 1 has no name: an index"),
        (["Unnamed: 0,path,label,split,group", "0," + ROW], "column 1 has no name: an index"),
        (["path;label;split;group", ROW], "separated by ';'; accepted: .* commas"),
        (["path,label,split,group", ROW, "b.png,1,test,g "], "group 'g' and 'g ' differ in blanks"),
        (["path,label,split,group", ROW, "b.png,1,test,g\u200b"], "differ in blanks or"),
        (["path,label,split,group", "a.png,0,val,é", "b.png,1,test,e\u0301"], "differ in blanks or"),
        (
            ["path,label,split,group,method", ROW + ",swap", "b.png,1,test,h, swap"],
            "method ' swap' and 'swap' differ",
        ),
        (["path,label,split,group", ROW, ROW], "'a.png' stands in 2 rows"),
        (["path,label,split,group", ROW, "./a.png,0,test,h"], "'a.png' stands in 2 rows"),
        (["path,label,split,group", "x//a.png,0,val,g", "x/a.png,0,test,h"], "'x/a.png' stands in 2 rows"),
        (
            ["path,label,split,group", ROW, "b.png,1,test,g"],
            "group 'g' stands in the splits test and train",
        ),
        (["path,label,split,group", 'a.png,0,train,"g'], "not a CSV text file"),
    ],
)
def test_a_wrong_manifest_is_refused_by_row(tmp_path, lines, message):
    with pytest.raises(InputError, match=rf"manifest\.csv.*{message}"):
        _read(tmp_path, *lines)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../a.png", "a/../../b.png", "a\\b.png", "C:/a.png", "", ".", "a\0.png"]
)
def test_paths_stay_inside_the_manifests_folder(tmp_path, path):
    with pytest.raises(InputError, match=r"row 2: path .*; accepted: relative to the file"):
        _read(tmp_path, "path,label,split,group", f"{path},0,train,g")


def test_a_missing_file_and_one_that_is_no_text_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such manifest"):
        read_manifest(tmp_path / "manifest.csv")
    (tmp_path / "manifest.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(InputError, match="not a CSV text file"):
        read_manifest(tmp_path / "manifest.csv")
    with pytest.raises(InputError, match=r"no such manifest; there is .*/manifest\.csv$"):
        read_manifest(tmp_path)


def test_one_group_name_of_two_data_sets_is_two_groups(tmp_path):
    samples = [
        FaceSample("a.png", 0, "train", "g", source="one"),
        FaceSample("b.png", 0, "test", "g", source="two"),
    ]

    check_groups(tmp_path, samples)
    torn = [*samples, FaceSample("c.png", 0, "val", "g", source="two")]
    with pytest.raises(InputError, match="group 'g' stands in the splits test and val; a group must stay in"):
        check_groups(tmp_path, torn)
    with pytest.raises(InputError, match=r"train and val \(2 such groups\); a group must stay in"):
        check_groups(tmp_path, [*torn, FaceSample("d.png", 0, "val", "g", source="one")])


def test_clips_are_told_apart_by_source_and_method_and_stills_by_path():
    clip = FaceSample("1.png", 1, "train", "g", video="000_003", method="FaceSwap", source="ff++")
    other = FaceSample("2.png", 1, "train", "g", video="000_003", method="Deepfakes", source="ff++")
    stills = [FaceSample(f"{n}.png", 1, "train", "g") for n in (3, 4)]

    assert len({sample.video_key for sample in (clip, other, *stills)}) == 4


def test_the_hash_is_that_of_the_bytes(tmp_path):
    (tmp_path / "manifest.csv").write_bytes(b"abc")

    assert manifest_hash(tmp_path / "manifest.csv") == hashlib.sha256(b"abc").hexdigest()


def test_the_table_counts_faces_videos_and_groups():
    samples = [FaceSample(f"{n}.png", 1, "train", "g", video="v") for n in range(1200)]
    samples += [FaceSample("x.png", 0, "test", "h"), FaceSample("y.png", -1, "test", "h")]

    rows = [line.split() for line in count_table(samples).splitlines()]

    assert rows == [
        ["split", "real", "fake", "unknown", "videos", "groups"],
        ["train", "0", "1,200", "0", "1", "1"],
        ["val", "0", "0", "0", "0", "0"],
        ["test", "1", "0", "1", "2", "1"],
    ]


def test_whole_numbers_may_be_written_as_pandas_does(tmp_path):
    (sample,) = _read(tmp_path, "path,label,split,group,frame,width", "a.png,1.0,train,g,12.0,")

    assert (sample.label, sample.frame, sample.width) == (1, 12, 0)


def test_crops_that_were_cut_otherwise_are_other_data(tmp_path):
    write_manifest(tmp_path / "manifest.csv", [FaceSample("a.png", 0, "train", "g")])
    hashes = {manifest_hash(tmp_path / "manifest.csv")}
    for align in (False, True):
        write_settings(tmp_path, ExtractionSettings(crop=CropSpec(align=align)))
        hashes.add(manifest_hash(tmp_path / "manifest.csv"))

    assert len(hashes) == 3


def test_an_audit_too_is_told_of_names_that_look_alike(tmp_path):
    write_manifest(
        tmp_path / "manifest.csv",
        [FaceSample("a.png", 0, "train", "g"), FaceSample("b.png", 0, "test", "g\u00a0")],
    )

    with pytest.raises(InputError, match="differ in blanks"):
        read_manifest(tmp_path / "manifest.csv", torn_groups=True)


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "device"])
def test_a_crop_must_be_a_file_in_the_folder(tmp_path, kind):
    data = tmp_path / "data"
    (data / "faces").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(b"x")
    crop = data / "faces/a.png"
    if kind == "link":
        crop.symlink_to(tmp_path / "secret.png")
    elif kind == "folder":
        (data / "faces").rmdir()
        (data / "faces").symlink_to(tmp_path)
    elif kind == "pipe":
        os.mkfifo(crop)
    else:
        crop.symlink_to("/dev/zero")
    write_manifest(data / "manifest.csv", [FaceSample("faces/a.png", 0, "train", "g")])

    with pytest.raises(InputError, match=r"leads out of|not a regular file"):
        read_manifest(data / "manifest.csv")


def test_links_inside_the_folder_and_to_it_are_fine(tmp_path):
    data = tmp_path / "data"
    (data / "big").mkdir(parents=True)
    (data / "big/a.png").write_bytes(b"x")
    (data / "faces").symlink_to(data / "big")
    (data / "b.png").symlink_to("big/a.png")
    write_manifest(
        data / "manifest.csv",
        [FaceSample("faces/a.png", 0, "train", "g"), FaceSample("b.png", 0, "train", "g")],
    )
    (tmp_path / "linked").symlink_to(data)

    assert len(read_manifest(tmp_path / "linked/manifest.csv")) == 2


def test_rows_of_a_split_keep_their_order_and_all_takes_every_one():
    rows = [FaceSample(f"{n}.png", 0, split, "g") for n, split in enumerate(("val", "train", "val"))]

    assert of_split(rows, "val") == [rows[0], rows[2]]
    assert of_split(rows, "test") == []
    assert of_split(iter(rows), "all") == rows
