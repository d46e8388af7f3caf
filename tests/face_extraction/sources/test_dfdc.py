"""DFDC: parts, preview and public test clips."""

import json

import pytest

from face_extraction.errors import InputError
from face_extraction.sources import get_source
from face_extraction.sources.registry import NOT_TEST


def _find(root, **options):
    return get_source("dfdc").find(root, **options)


def _part(number, **entries):
    """The texts and files of one training part; an entry is (label, original)."""
    folder = f"dfdc_train_part_{number}"
    listed = {
        f"{name}.mp4": {"label": label, "split": "train", "original": original}
        for name, (label, original) in entries.items()
    }
    return {f"{folder}/metadata.json": json.dumps(listed)} | {f"{folder}/{name}": "x" for name in listed}


def test_fakes_are_grouped_with_their_original(lay):
    root = lay(texts=_part(0, a=("REAL", None), b=("FAKE", "a.mp4"), c=("FAKE", "a.mp4")))

    items = _find(root).items

    assert [(item.video, item.label, item.group, item.method) for item in items] == [
        ("a", 0, "a", ""),
        ("b", 1, "a", "dfdc"),
        ("c", 1, "a", "dfdc"),
    ]


@pytest.mark.parametrize("entry", [{"label": "REAL", "original": None}, {"label": "real"}, {"label": "Real"}])
def test_a_real_clip_has_no_original(lay, entry):
    root = lay("a.mp4", texts={"metadata.json": json.dumps({"a.mp4": entry})})

    assert [(item.label, item.group) for item in _find(root).items] == [(0, "a")]


def test_the_usual_split_is_by_part_number_not_by_name(lay):
    texts = {}
    for number in (0, 9, 34, 35, 39, 40, 49):
        texts |= _part(number, **{f"x{number}": ("REAL", None)})

    listing = _find(lay(texts=texts))

    assert [(item.video, item.split) for item in listing.items] == [
        ("x0", "train"),
        ("x9", "train"),
        ("x34", "train"),
        ("x35", "val"),
        ("x39", "val"),
        ("x40", "test"),
        ("x49", "test"),
    ]
    assert listing.notes == ["7 real and 0 fake videos in 7 parts; published: 19,154 and 100,000 in all 50"]


def test_some_parts_alone_can_be_split_by_group(lay):
    root = lay(texts=_part(1, a=("REAL", None)) | _part("02", b=("REAL", None)))

    listing = _find(root)

    assert listing.notes == [
        "2 real and 0 fake videos in 2 parts; published: 19,154 and 100,000 in all 50",
        "the parts found fill only train; --protocol group splits them anew",
    ]
    assert {item.split for item in listing.items} == {"train"}
    assert {item.split for item in _find(root, protocol="group").items} == {None}


def test_a_part_is_held_against_its_own_list(lay):
    texts = _part(1, a=("REAL", None), b=("REAL", None)) | _part(3, c=("REAL", None))
    root = lay(texts=texts)
    (root / "dfdc_train_part_1/b.mp4").unlink()

    whole = _find(root)
    some = _find(root, parts="1")

    assert whole.published == {"part 1": 2, "part 3": 1}
    assert [item.part for item in whole.items] == ["part 1", "part 3"]
    assert len(whole.absent["other parts"]) == 48
    assert some.published == {"part 1": 2}
    assert some.absent == {}
    with pytest.raises(InputError, match="none of the parts 2 in it; there: dfdc_train_part_1"):
        _find(root, parts="2")
    with pytest.raises(InputError, match="--parts: unknown part '50'"):
        _find(root, parts="50")


def test_a_fake_without_its_original_is_kept_and_counted(lay):
    listing = _find(lay(texts=_part(0, b=("FAKE", "a.mp4"))))

    assert [item.group for item in listing.items] == ["a"]
    assert "fakes whose original is not there: 1; its name stays their group" in listing.notes


def test_list_and_folder_that_disagree(lay):
    root = lay(
        "dfdc_train_part_0/z.mp4",
        "dfdc_train_part_2/y.mp4",
        texts=_part(0, a=("REAL", None), b=("REAL", None)),
    )
    (root / "dfdc_train_part_0/b.mp4").unlink()
    lay(texts=_part(1, a=("REAL", None)))

    listing = _find(root)

    assert [item.path for item in listing.items] == ["dfdc_train_part_0/a.mp4"]
    assert [(row.path, row.reason) for row in listing.ledger] == [
        ("dfdc_train_part_0/z.mp4", "unlisted"),
        ("dfdc_train_part_0/b.mp4", "missing"),
        ("dfdc_train_part_1/a.mp4", "doubled"),
        ("dfdc_train_part_2", "unlisted"),
    ]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"label": "FAKE", "original": None}, r"a\.mp4: original None; a FAKE needs the video"),
        ({"label": "FAKE"}, r"a\.mp4: original None; a FAKE needs the video"),
        ({"label": 1}, r"a\.mp4: .*; needed: a label, REAL or FAKE"),
        ({"label": "1"}, r"a\.mp4: label '1'; accepted: REAL or FAKE"),
        ([], r"a\.mp4: \[\]; needed: a label"),
    ],
)
def test_a_wrong_entry_is_refused_by_name(lay, entry, message):
    with pytest.raises(InputError, match=message):
        _find(lay("a.mp4", texts={"metadata.json": json.dumps({"a.mp4": entry})}))


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("metadata.json", '{"label": "REAL"}', '{"label": "FAKE", "original": "b.mp4"}'),
        ("metadata.json", '{"is_fake": 0}', '{"is_fake": 1}'),
        ("dataset.json", '{"label": "real", "set": "train"}', '{"label": "fake", "set": "train"}'),
    ],
)
def test_a_video_with_two_entries_is_refused(lay, name, one, other):
    with pytest.raises(InputError, match=rf"{name}: 'a\.mp4' stands in it twice, with two values"):
        _find(lay("a.mp4", texts={name: f'{{"a.mp4": {one}, "a.mp4": {other}}}'}))
    (item,) = _find(lay("a.mp4", texts={name: f'{{"a.mp4": {one}, "a.mp4": {one}}}'})).items
    assert item.label == 0


def test_a_path_out_of_the_part_is_refused(lay):
    with pytest.raises(InputError, match="the name of a file beside"):
        _find(lay(texts={"metadata.json": '{"../a.mp4": {"label": "REAL"}}'}))


PREVIEW = {
    "original_videos/11/11_A_001.mp4": {"label": "real", "set": "train", "target_id": None},
    "original_videos/22/22_A_001.mp4": {"label": "real", "set": "test", "target_id": 22},
    "method_A/11/11_A/33_11_A_001.mp4": {"label": "fake", "set": "train", "target_id": 11, "swapped_id": 33},
    "method_B/22/22_A/44_22_A_001.mp4": {"label": "fake", "set": "test", "target_id": 22, "swapped_id": 44},
}


def test_the_preview(lay):
    root = lay(*PREVIEW, "original_videos/55/55_A.mp4", texts={"dataset.json": json.dumps(PREVIEW)})

    listing = _find(root)

    assert [(item.label, item.split, item.group, item.swapped, item.method) for item in listing.items] == [
        (0, NOT_TEST, "11", "", ""),
        (0, "test", "22", "", ""),
        (1, NOT_TEST, "11", "33", "method_A"),
        (1, "test", "22", "", "method_B"),
    ]
    assert {item.source for item in listing.items} == {"dfdc-preview"}
    assert [(row.path, row.reason) for row in listing.ledger] == [("original_videos/55/55_A.mp4", "unlisted")]
    assert sum(listing.published.values()) == 5_244


@pytest.mark.parametrize(
    "values", [{"label": "real", "set": "val"}, {"label": "real", "set": []}, {"set": "test"}, 3]
)
def test_a_wrong_preview_entry_is_refused(lay, values):
    with pytest.raises(InputError, match=r"dataset\.json, a\.mp4: "):
        _find(lay("a.mp4", texts={"dataset.json": json.dumps({"a.mp4": values})}))


def test_the_public_test_clips_lie_beside_the_list_or_in_a_folder(lay):
    root = lay(
        "videos/a.mp4", "b.mp4", "b.txt", texts={"labels.csv": "filename,label\na.mp4,1\nb.mp4,0\nc.mp4,0\n"}
    )

    listing = _find(root)

    assert [(item.path, item.label, item.split, item.group) for item in listing.items] == [
        ("videos/a.mp4", 1, "test", "a"),
        ("b.mp4", 0, "test", "b"),
    ]
    assert [(row.path, row.reason) for row in listing.ledger] == [("c.mp4", "missing")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.mp4,1\n", "missing column filename, label"),
        ("filename,label\na.mp4,FAKE\n", "row 2: label 'FAKE'; accepted: 1 = fake, 0 = real"),
        ("filename,label\na.mp4,1\na.mp4,1\n", "row 3: 'a.mp4' stands in an earlier row too"),
        ("filename,label\nz.mp4,1\n", "none of the videos that its lists name is there"),
    ],
)
def test_a_wrong_list_of_the_public_test_is_refused(lay, text, message):
    with pytest.raises(InputError, match=message):
        _find(lay("a.mp4", texts={"labels.csv": text}))


def test_a_list_that_a_spreadsheet_saved_is_read(lay):
    root = lay("a.mp4", "b.mp4", texts={"labels.csv": "\ufeffFilename;Label\r\na.mp4;1,0\r\nb.mp4 ;0\r\n"})

    assert [(item.path, item.label) for item in _find(root).items] == [("a.mp4", 1), ("b.mp4", 0)]


def test_two_layouts_in_one_folder_are_refused(lay):
    root = lay(texts=_part(0, a=("REAL", None)) | {"labels.csv": "filename,label\n"})

    with pytest.raises(InputError, match=r"holds labels\.csv and dfdc_train_part_N; needed: one of them"):
        _find(root)
    with pytest.raises(InputError, match="--protocol: unknown protocol 'part'"):
        _find(root, protocol="part")


IS_FAKE = json.dumps(
    {"a.mp4": {"augmentations": {}, "is_fake": 1}, "b.mp4": {"augmentations": {}, "is_fake": 0}}
)


@pytest.mark.parametrize("labels", [{}, {"labels.csv": "filename,label\na.mp4,1\nb.mp4,0\n"}])
def test_the_official_test_folder(lay, labels):
    root = lay("a.mp4", "clips/b.mp4", texts={"metadata.json": IS_FAKE} | labels)

    listing = _find(root)

    assert [(item.path, item.label, item.split, item.source) for item in listing.items] == [
        ("a.mp4", 1, "test", "dfdc-test"),
        ("clips/b.mp4", 0, "test", "dfdc-test"),
    ]
    assert listing.ledger == []
    (root / "a.mp4").unlink()
    (name,) = labels or ["metadata.json"]
    assert [row.detail for row in _find(root).ledger] == [f"named in {name}, but not there"]


@pytest.mark.parametrize("values", [{"is_fake": "1"}, {"is_fake": 2}, {"label": "REAL"}, 3])
def test_a_wrong_entry_of_the_test_clips_is_refused_by_name(lay, values):
    root = lay("a.mp4", texts={"metadata.json": json.dumps({"a.mp4": {"is_fake": 1}, "b.mp4": values})})

    with pytest.raises(InputError, match=r"metadata\.json, b\.mp4: is_fake .*; accepted: 1 = fake, 0 = real"):
        _find(root)


def test_a_training_part_beside_the_test_clips_lists_is_refused(lay):
    texts = _part(0, a=("REAL", None)) | {"metadata.json": IS_FAKE, "labels.csv": "filename,label\n"}

    with pytest.raises(InputError, match=r"holds metadata\.json and labels\.csv and dfdc_train_part_N"):
        _find(lay(texts=texts))


@pytest.mark.parametrize("deeper", ["dfdc_train_part_0", "unpacked/dfdc_train_part_0"])
def test_parts_unpacked_into_folders_of_their_own(lay, deeper):
    inner = f"dfdc_train_part_00/{deeper}"
    text = '{"a.mp4": {"label": "REAL", "original": null}}'

    listing = get_source("dfdc").find(lay(f"{inner}/a.mp4", texts={f"{inner}/metadata.json": text}))

    found = [(item.path, item.split, item.part) for item in listing.items]
    assert found == [(f"{inner}/a.mp4", "train", "part 0")]
    assert listing.ledger == []


def test_parts_without_a_list_are_named_with_the_error(lay):
    with pytest.raises(InputError, match=r"\(dfdc_train_part_0: no metadata.json in it"):
        get_source("dfdc").find(lay("dfdc_train_part_0/a.mp4"))
