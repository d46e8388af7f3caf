"""The folder of a GAN."""

import pytest

from dfdetect.fakes.gan.folder import COLUMNS, Folder
from face_extraction.errors import InputError


def test_the_history_is_read_up_to_the_step_of_the_checkpoint(tmp_path):
    """A kill may come between the history's row and the checkpoint."""
    folder = Folder(tmp_path)
    assert folder.read_history(10) == []
    folder.write_history([dict.fromkeys(COLUMNS, "") | {"step": step} for step in (2, 4, 6)])
    assert [row["step"] for row in folder.read_history(5)] == ["2", "4"]


@pytest.mark.parametrize(
    "text", ["step\n1\n", f"{','.join(COLUMNS)}\nmany\n", f'{",".join(COLUMNS)}\n1,"', "\0"]
)
def test_a_file_that_is_no_history_is_refused(tmp_path, text):
    folder = Folder(tmp_path)
    folder.history.write_text(text)
    with pytest.raises(InputError, match=r"history\.csv: not a history of a GAN"):
        folder.read_history(5)


def test_a_folder_without_a_gan_is_told(tmp_path):
    with pytest.raises(
        InputError, match=r"none: no GAN in it \(no gan\.json\); accepted: a folder of fakes gan"
    ):
        Folder(tmp_path / "none").design()
