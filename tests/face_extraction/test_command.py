"""What every command line does the same way."""

import errno
import os
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from face_extraction.command import DONE, FINDING, INTERRUPTED, USAGE, Parser, run
from face_extraction.errors import InputError


@pytest.fixture
def parser():
    parser = Parser("prog", "What it does.", "examples:\n  prog --size 3")
    parser.add_argument("--size", type=int, default=1)
    return parser


def _raise(error):
    def main(args):
        raise error

    return main


@pytest.mark.parametrize("status", [0, 1])
def test_the_status_is_what_main_says(parser, status):
    assert run(parser, lambda args: status, []) == status


def test_the_exit_statuses_are_the_documented_ones():
    assert (DONE, FINDING, USAGE, INTERRUPTED) == (0, 1, 2, 130)


def test_arguments_reach_main(parser):
    assert run(parser, lambda args: args.size, ["--size", "7"]) == 7


@pytest.mark.parametrize("order", ["a --size 7 b", "a b --size 7", "--size 7 a b"])
def test_options_may_stand_between_paths(parser, order):
    parser.add_argument("paths", nargs="+")
    assert run(parser, lambda args: (args.size, args.paths), order.split()) == (7, ["a", "b"])


def test_wrong_input_is_one_line_and_status_2(parser, capsys):
    assert run(parser, _raise(InputError("a.csv: no such manifest")), []) == 2
    assert capsys.readouterr() == ("", "prog: a.csv: no such manifest\n")


def test_a_link_to_itself_is_one_line_and_other_faults_keep_their_traceback(parser, tmp_path, capsys):
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    # From Python 3.13 on, only the second of these fails.
    assert run(parser, lambda args: (loop.resolve(), loop.stat()), []) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(loop) in line
    with pytest.raises(RuntimeError, match="a fault"):
        run(parser, _raise(RuntimeError("a fault")), [])


def test_a_copy_onto_a_full_disk_names_the_file_that_has_no_room(parser, capsys):
    error = OSError(errno.ENOSPC, "No space left on device", "source.png", None, "copy.png")
    assert run(parser, _raise(error), []) == 2
    assert capsys.readouterr().err == "prog: copy.png: No space left on device\n"


def test_a_package_that_is_not_installed_is_one_line_with_its_extra(parser, capsys):
    for package, extra in (("keras", "'.[train]'"), ("cv2", ".")):
        assert run(parser, _raise(ModuleNotFoundError(name=package)), []) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert f"the package {package} is not installed" in line
        assert f"`pip install {extra}`" in line
    with pytest.raises(ModuleNotFoundError):
        run(parser, _raise(ModuleNotFoundError(name="dfdetect.nothing")), [])


@pytest.mark.parametrize("error", [InputError("a"), KeyboardInterrupt()])
def test_debug_shows_the_traceback(parser, error):
    with pytest.raises(type(error)):
        run(parser, _raise(error), ["--debug"])


def test_an_interruption_is_told_and_is_status_130(parser, capsys):
    assert run(parser, _raise(KeyboardInterrupt()), []) == 130
    assert capsys.readouterr().err == "prog: interrupted; finished work is kept\n"


def test_worker_processes_that_broke_down_are_one_line(parser, capsys):
    assert run(parser, _raise(BrokenProcessPool("All workers expired")), []) == 1
    assert capsys.readouterr().err == (
        "prog: the worker processes broke down (out of memory?); finished work is kept: start again\n"
    )


def test_a_path_that_this_user_cannot_read_is_one_line(parser, capsys):
    def refuse(text):
        raise PermissionError(errno.EACCES, "Permission denied", text)

    parser.add_argument("path", type=refuse)
    assert run(parser, lambda args: 0, ["closed/a.csv"]) == 2
    assert capsys.readouterr().err == "prog: closed/a.csv: Permission denied\n"
    with pytest.raises(PermissionError):
        run(parser, lambda args: 0, ["closed/a.csv", "--debug"])


def test_a_file_that_cannot_be_written_is_one_line_and_status_2(parser, tmp_path, capsys):
    (tmp_path / "file").write_text("x")

    def main(args):
        (tmp_path / "file" / "folder").mkdir(parents=True)

    assert run(parser, main, []) == 2
    assert capsys.readouterr().err == f"{parser.prog}: {tmp_path / 'file' / 'folder'}: Not a directory\n"


def test_other_errors_are_bugs_and_keep_their_traceback(parser):
    with pytest.raises(ZeroDivisionError):
        run(parser, _raise(ZeroDivisionError()), [])


@pytest.mark.parametrize("arguments", [["--size", "x"], ["--sizes", "3"], ["--siz", "3"]])
def test_wrong_options_are_one_line_and_status_2(parser, capsys, arguments):
    with pytest.raises(SystemExit) as stop:
        run(parser, lambda args: 0, arguments)

    error = capsys.readouterr().err
    assert stop.value.code == 2
    assert error.startswith("prog: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize("arguments", [["--out", ""], ["--out="]])
def test_an_empty_path_is_refused(parser, capsys, arguments):
    parser.add_argument("--out", type=Path)

    with pytest.raises(SystemExit) as stop:
        run(parser, lambda args: 0, arguments)

    assert stop.value.code == 2
    assert "--out: an empty path; accepted: a file or folder" in capsys.readouterr().err


def test_help_keeps_the_lines_of_its_texts(parser, capsys):
    with pytest.raises(SystemExit) as stop:
        run(parser, lambda args: 0, ["--help"])

    assert stop.value.code == 0
    assert "examples:\n  prog --size 3" in capsys.readouterr().out


def test_a_reader_that_goes_away_changes_no_status():
    code = (
        "import sys\nfrom face_extraction.command import Parser, run\n"
        "def main(args):\n    for _ in range(100_000): print('line')\n    return 1\n"
        "sys.exit(run(Parser('prog', ''), main, []))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout.readline() == b"line\n"
    process.stdout.close()

    errors = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), errors) == (1, b"")


@pytest.mark.parametrize(
    ("encoding", "line"), [("ascii", b"\\u2013 \\udcff\n"), ("utf-8", b"\xe2\x80\x93 \\udcff\n")]
)
def test_what_the_output_cannot_encode_is_written_as_python_writes_it(encoding, line):
    code = (
        "import sys\nfrom face_extraction.command import Parser, run\n"
        "sys.exit(run(Parser('prog', ''), lambda args: print('\\u2013 \\udcff') or 0, []))"
    )
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, line, b"")


@pytest.mark.parametrize(
    ("argv", "near"),
    [
        (["--lr", "1"], "--learning-rate"),
        (["--gpu", "0"], "--devices"),
        (["--learnign-rate", "1"], "--learning-rate"),
        (["--format", "tflite"], "litert"),
        (["--zzz"], ""),
    ],
)
def test_an_unknown_flag_or_value_names_the_nearest(capsys, argv, near):
    parser = Parser("prog", "about")
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--l2", type=float)
    parser.add_argument("--devices", help="GPUs to use at once")
    parser.add_argument("--format", choices=("savedmodel", "litert", "onnx"))
    with pytest.raises(SystemExit):
        parser.parse_args(argv)
    line = capsys.readouterr().err
    assert (f"(nearest: {near})" in line) if near else ("nearest" not in line)


@pytest.fixture
def tasks():
    """A parser with two tasks, and the tasks' parsers."""
    parser = Parser("prog", "What it does.")
    made = parser.add_subparsers(metavar="TASK", required=True, prog="prog")
    for name in ("render", "recheck"):
        task = made.add_parser(name, help="a word", description="Words.", epilog="More words.")
        task.add_argument("--form", choices=("html", "tex"))
        task.set_defaults(do=_raise(InputError(name)))
    return parser


def do(args):
    return args.do(args)


@pytest.mark.parametrize("line", ["render --form html --debug", "--debug render"])
def test_debug_stands_before_or_after_the_task(tasks, line):
    with pytest.raises(InputError, match="render"):
        run(tasks, do, line.split())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "prog: the following arguments are required: TASK"),
        ("rendr", "invalid choice: 'rendr' (nearest: render); accepted: render, recheck"),
        (
            "render --form htm",
            "prog render: argument --form: invalid choice: 'htm' (nearest: html); accepted: ",
        ),
        ("render --from html", "unrecognized arguments: --from html"),
    ],
)
def test_a_wrong_task_or_choice_is_one_line_with_the_nearest(tasks, capsys, line, said):
    with pytest.raises(SystemExit) as status:
        run(tasks, do, line.split())
    error = capsys.readouterr().err
    assert status.value.code == 2
    assert error.count("\n") == 1
    assert said in error


def test_what_steers_a_terminal_is_printed_as_escapes(parser, capsys):
    def show(args):
        print("a\x1b[31mb\x07\t\u202ec\rd\r\nä\u200d")
        raise InputError("file\x1b]0;title\x07.jpg: bad")

    assert run(parser, show, []) == 2
    said = capsys.readouterr()
    assert said.out == "a\\x1b[31mb\\x07\t\\u202ec\\rd\r\nä\u200d\n"
    assert said.err == "prog: file\\x1b]0;title\\x07.jpg: bad\n"
