"""Cores and memory of a container, told by a made-up /proc and /sys; the limit of a process's memory."""

import os
import subprocess
import sys

import pytest

from face_extraction.machine import available_cores, available_memory, umask


@pytest.fixture(autouse=True)
def many_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(32)), raising=False)


def _system(root, groups, files):
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


V1 = "12:cpu,cpuacct:/docker/ab\n3:memory:/docker/ab\n1:name=systemd:/docker/ab\n"
HOST = "0::/system.slice/docker-ab.scope\n"
CASES = {
    "no control groups": ("", {}, 32),
    "no quota": ("0::/\n", {"cpu.max": "max 100000\n"}, 32),
    "v2": ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),
    "v2, a share of a core": ("0::/\n", {"cpu.max": "50000 100000\n"}, 1),
    "v2, one core and a half": ("0::/\n", {"cpu.max": "150000 100000\n"}, 2),
    "v2, a wider quota than the affinity": ("0::/\n", {"cpu.max": "6400000 100000\n"}, 32),
    "v2, a group above has less": (
        "0::/a/b\n",
        {"a/b/cpu.max": "max 100000", "a/cpu.max": "300000 100000"},
        3,
    ),
    "v2, inner has less": ("0::/a/b\n", {"a/b/cpu.max": "400000 100000", "a/cpu.max": "800000 100000"}, 4),
    "v2, the host's path": (HOST, {"cpu.max": "200000 100000\n"}, 2),
    "v2, outside the namespace": ("0::/../../x\n", {"cpu.max": "200000 100000\n"}, 2),
    "v1": (V1, {"cpu,cpuacct/cpu.cfs_quota_us": "500000", "cpu,cpuacct/cpu.cfs_period_us": "100000"}, 5),
    "v1, nested": (
        V1,
        {"cpu/docker/ab/cpu.cfs_quota_us": "300000", "cpu/docker/ab/cpu.cfs_period_us": "100000"},
        3,
    ),
    "v1, no quota": (V1, {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 32),
    "nonsense": ("0::/\nx\n:\n", {"cpu.max": "zero\n"}, 32),
}


@pytest.mark.parametrize("case", CASES)
def test_a_containers_quota_of_cores_counts(tmp_path, case):
    groups, files, cores = CASES[case]

    assert available_cores(_system(tmp_path, groups, files)) == cores


def test_the_affinity_counts_too(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)

    assert available_cores(tmp_path) == 3


@pytest.mark.parametrize(
    ("groups", "files"),
    [
        ("0::/\n", {"memory.max": "300000000\n"}),
        ("0::/a/b\n", {"a/b/memory.max": "max\n", "a/memory.max": "300000000\n"}),
        (V1, {"memory/memory.limit_in_bytes": "300000000\n"}),
        (V1, {"memory/docker/ab/memory.limit_in_bytes": "300000000"}),
    ],
    ids=["v2", "v2, above", "v1", "v1, nested"],
)
def test_a_containers_limit_of_memory_counts(tmp_path, groups, files):
    assert available_memory(_system(tmp_path, groups, files)) == 300_000_000


def test_without_a_limit_the_machines_memory_counts(tmp_path):
    unlimited = _system(tmp_path, V1, {"memory/memory.limit_in_bytes": "9223372036854771712"})

    memory = available_memory(unlimited)

    assert memory == available_memory(tmp_path / "nothing")
    assert memory is None or 10**8 < memory < 2**60


LIMITED = """
from pathlib import Path
from face_extraction.machine import limit_memory
limit_memory(200_000_000)
print(len(bytearray(100_000_000)), Path("/proc/self/oom_score_adj").read_text().strip())
try:
    bytearray(300_000_000)
except MemoryError:
    print("refused")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps to the limit")
def test_a_process_gets_so_much_memory_and_no_more_and_is_the_first_to_go():
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["100000000", "500", "refused"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
@pytest.mark.parametrize("mask", [0o022, 0o777])
def test_the_umask_is_told_and_stays(mask):
    before = os.umask(mask)
    try:
        assert (umask(), umask()) == (mask, mask)
    finally:
        assert os.umask(before) == mask
