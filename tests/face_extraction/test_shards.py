"""What a part's folder says about it: read back whole, or refused."""

import json

import pytest

from face_extraction.errors import InputError
from face_extraction.ledger import LedgerRow
from face_extraction.merge import merge
from face_extraction.plan import Plan
from face_extraction.shards import SHARD_FILE, Shard, read_part, write_part
from face_extraction.sources import Item
from face_extraction.splits import SplitRule

ITEMS = [Item("real/a.png", 0, "a", split="train"), Item("fake/caf\udce9.png", 1, "b")]


def _write(folder, shard):
    write_part(
        folder, Shard.parse(shard), Plan(ITEMS, SplitRule(seed=3), [LedgerRow("c", "missing", "")], ["val"])
    )
    return folder / SHARD_FILE


def test_a_part_comes_back(tmp_path):
    _write(tmp_path, "1/1")
    part = read_part(tmp_path)
    assert (part.shard, part.plan.split_rule) == (Shard(1, 1), SplitRule(seed=3))
    assert dict(zip(part.places, part.plan.items, strict=True)) == dict(enumerate(ITEMS))
    assert (part.plan.ledger, part.plan.drawn) == ([LedgerRow("c", "missing", "")], ["val"])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("shard", 1), ("shard", "0/1"), ("listing", None), ("split_rule", {"val": 2}), ("ledger", "x")),
        *(("items", 3), ("items", [[0, {"path": 5, "label": 0, "group": "a"}]]), ("items", [["0", {}]])),
    ],
)
def test_a_damaged_part_is_one_line(tmp_path, field, value):
    path = _write(tmp_path, "1/1")
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(InputError, match=r"shard\.json: damaged; run this shard again"):
        read_part(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "[" * 100_000])
def test_what_is_no_part_is_one_line(tmp_path, content):
    (tmp_path / SHARD_FILE).write_text(content)
    with pytest.raises(InputError, match=r"shard\.json: damaged; run this shard again"):
        read_part(tmp_path)


def test_a_part_of_ever_so_many_is_refused_at_once(tmp_path):
    _write(tmp_path, "1/1000000000000")
    with pytest.raises(InputError, match=r"999,999,999,999 shards are missing: 2/1000000000000, .* more"):
        merge([tmp_path], tmp_path / "out")
