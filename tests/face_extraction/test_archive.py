"""Archives of crops, read forward and never unpacked."""

import errno
import io
import tarfile

import pytest

from face_extraction.archive import read_members
from face_extraction.ledger import ItemFailed


@pytest.fixture
def archive(tmp_path):
    """archive(name, {member: bytes}) -> a tar, compressed where its name ends in gz."""

    def write(name, members):
        path = tmp_path / name
        with tarfile.open(path, "w:gz" if name.endswith("gz") else "w") as handle:
            for member, content in members.items():
                info = tarfile.TarInfo(member)
                info.size = len(content)
                handle.addfile(info, io.BytesIO(content))
        return path

    return write


def _noise(size):
    return bytes((index * 7919 + index // 251) % 256 for index in range(size))


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_photos_come_in_order_with_their_frame_numbers(archive, name):
    path = archive(
        name, {"0/real/3/120.png": b"one", "0/notes.txt": b"x", "0/._7.png": b"x", "0/4/7.PNG": b"two"}
    )

    members = [(member.name, member.frame, member.content) for member in read_members(path)]

    assert members == [("0/real/3/120.png", 120, b"one"), ("0/4/7.PNG", 7, b"two")]


@pytest.mark.parametrize(
    ("take", "frames"), [(1, [5]), (2, [2, 7]), (5, [1, 3, 5, 7, 9]), (10, [*range(10)]), (99, [*range(10)])]
)
def test_a_few_are_spread_evenly_over_the_archive(archive, take, frames):
    path = archive("a.tar.gz", {f"{number}.jpg": b"x" for number in range(10)})

    assert [member.frame for member in read_members(path, take)] == frames


def test_links_and_absolute_names_are_harmless(tmp_path):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as handle:
        link = tarfile.TarInfo("link.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        handle.addfile(link)
        info = tarfile.TarInfo("/../../up.jpg")
        info.size = 2
        handle.addfile(info, io.BytesIO(b"ok"))

    assert [member.content for member in read_members(path)] == [b"ok"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_a_cut_archive_gives_what_it_has_and_says_so(archive, name):
    path = archive(name, {f"{number}.jpg": _noise(40_000 + number) for number in range(5)})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    found = []

    with pytest.raises(ItemFailed) as failure:
        found.extend(member.frame for member in read_members(path))

    assert failure.value.reason == "truncated"
    assert found == list(range(len(found)))
    assert 1 <= len(found) < 5


@pytest.mark.parametrize("into", [0, 100, 512])
def test_a_tar_cut_at_or_in_a_header_is_not_whole(archive, into):
    path = archive("a.tar", {f"{number}.jpg": _noise(3000) for number in range(10)})
    path.write_bytes(path.read_bytes()[: 5 * (512 + 3072) + into])
    found = []

    with pytest.raises(ItemFailed, match="truncated: the archive ends or breaks after 5 crops"):
        found.extend(member.frame for member in read_members(path))

    assert found == list(range(5))


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz"])
def test_a_compressed_archive_is_read_to_its_end_wherever_it_is_cut(tmp_path, suffix):
    path = tmp_path / f"a.tar.{suffix}"
    with tarfile.open(path, f"w:{suffix}") as handle:
        for number in range(4):
            info = tarfile.TarInfo(f"{number}.jpg")
            info.size = 600
            handle.addfile(info, io.BytesIO(_noise(600)))
    content = path.read_bytes()
    assert [member.content for member in read_members(path)] == [_noise(600)] * 4

    for length in range(1, len(content), max(len(content) // 40, 1)):
        path.write_bytes(content[:length])
        with pytest.raises(ItemFailed, match=r"truncated|unreadable"):
            list(read_members(path))


def test_a_read_error_is_failed_to_be_tried_again(archive, monkeypatch):
    class Failing(io.BytesIO):
        def read(self, size=-1):
            if self.tell() > 4000:
                raise OSError(errno.ESTALE, "Stale file handle")
            return super().read(size)

    path = archive("a.tar", {f"{number}.jpg": _noise(3000) for number in range(10)})
    content = path.read_bytes()
    monkeypatch.setattr("face_extraction.archive.open_file", lambda path: Failing(content))

    with pytest.raises(ItemFailed, match="failed: Stale file handle"):
        list(read_members(path))


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b\x08broken"])
def test_what_is_no_archive_is_unreadable(tmp_path, content):
    (tmp_path / "a.tar.gz").write_bytes(content)

    with pytest.raises(ItemFailed) as failure:
        list(read_members(tmp_path / "a.tar.gz"))

    assert failure.value.reason == "unreadable"


def test_a_missing_archive_is_unreadable(tmp_path):
    with pytest.raises(ItemFailed, match="No such file"):
        list(read_members(tmp_path / "a.tar"))


def test_a_member_that_claims_gigabytes_is_not_read(tmp_path):
    info = tarfile.TarInfo("0.jpg")
    info.size = 2**33
    (tmp_path / "a.tar").write_bytes(info.tobuf() + bytes(10_240))

    with pytest.raises(ItemFailed, match="more than 67,108,864 bytes"):
        list(read_members(tmp_path / "a.tar"))


def test_a_few_of_a_cut_archive_are_spread_over_what_it_has(archive):
    path = archive("a.tar", {f"{number}.jpg": _noise(3000) for number in range(10)})
    path.write_bytes(path.read_bytes()[: 5 * (512 + 3072) + 1500])  # ends within the sixth

    members = read_members(path, 3)
    frames = [next(members).frame for _ in range(3)]
    with pytest.raises(ItemFailed, match="truncated"):
        next(members)
    assert frames == [0, 2, 4]


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_a_second_archive_behind_the_first_is_told(archive, name):
    path = archive(name, {"1.jpg": b"one"})
    other = archive(f"other.{name}", {"2.jpg": b"two"})
    path.write_bytes(path.read_bytes() + other.read_bytes())
    found = []

    with pytest.raises(
        ItemFailed, match="truncated: more follows the archive's end after 1 crops: two joined"
    ):
        found.extend(read_members(path))

    assert [member.content for member in found] == [b"one"]


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_zeros_behind_an_archive_are_its_padding(archive, name):
    path = archive(name, {"1.jpg": b"one"})
    path.write_bytes(path.read_bytes() + bytes(50_000))

    assert [member.content for member in read_members(path)] == [b"one"]
