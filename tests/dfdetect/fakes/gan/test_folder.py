"""The folder of a GAN."""

from dfdetect.fakes.gan.folder import COLUMNS, Folder


def test_the_history_is_read_up_to_the_step_of_the_checkpoint(tmp_path):
    """A kill may come between the history's row and the checkpoint."""
    folder = Folder(tmp_path)
    assert folder.read_history(10) == []
    folder.write_history([dict.fromkeys(COLUMNS, "") | {"step": step} for step in (2, 4, 6)])
    assert [row["step"] for row in folder.read_history(5)] == ["2", "4"]
