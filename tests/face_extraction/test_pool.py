"""Worker processes that die, hang or cannot be started, here and on a dask scheduler."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor
from pathlib import Path

import numpy as np
import pytest
from pebble import ProcessExpired, ProcessPool
from pebble.pool.process import PoolManager

from face_extraction import pool
from face_extraction.errors import InputError
from face_extraction.extract import Execution, extract
from face_extraction.images import write_image
from face_extraction.manifest import read_manifest
from face_extraction.plan import Plan
from face_extraction.pool import dask_pool, local_pool, small_pool
from face_extraction.settings import CropSpec, ExtractionSettings
from face_extraction.sources import Item

SETTINGS = ExtractionSettings(crop=CropSpec(size=32))
needs_kill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")


@pytest.fixture
def raw(tmp_path, draw_faces):
    """Twelve photos with a face each."""
    for index in range(12):
        write_image(
            tmp_path / f"raw/{index:02}.png", draw_faces((300 + index, 240, 150), width=640, height=480)
        )
    return tmp_path / "raw"


def _items():
    return [Item(f"{index:02}.png", 0, f"g{index}") for index in range(12)]


def _extract(raw, out, **options):
    return extract(Plan(_items()), raw, out, SETTINGS, Execution(**options))


@needs_kill
def test_a_killed_worker_costs_its_item_alone():
    with local_pool(1, None) as pool:
        killed = pool.submit(signal.raise_signal, signal.SIGKILL)
        after = [pool.submit(pow, 2, power) for power in range(3)]

        with pytest.raises(Exception, match="Abnormal termination"):
            killed.result(60)
        assert [future.result(60) for future in after] == [1, 2, 4]


@pytest.fixture
def slow_reader(monkeypatch):
    """pebble's thread that reads what the processes say is half a second late."""
    read = PoolManager.process_next_message

    def late(self, timeout):
        time.sleep(0.5)
        read(self, timeout)

    monkeypatch.setattr(PoolManager, "process_next_message", late)


@needs_kill
@pytest.mark.parametrize("workers", [1, 2])
def test_a_process_that_dies_before_its_word_is_read_costs_its_item_alone(slow_reader, workers):
    with local_pool(workers, None) as pool:
        sleeping = [pool.submit(time.sleep, 3) for _ in range(workers - 1)]
        killed = pool.submit(signal.raise_signal, signal.SIGKILL)
        after = pool.submit(pow, 2, 5)

        with pytest.raises(ProcessExpired, match="Abnormal termination"):
            killed.result(60)
        assert after.result(60) == 32
        assert [future.result(60) for future in sleeping] == [None] * (workers - 1)


def test_a_hung_item_is_stopped_alone():
    with local_pool(1, 0.5) as pool:
        hung, after = pool.submit(time.sleep, 3600), pool.submit(pow, 2, 5)

        with pytest.raises(TimeoutError):
            hung.result(60)
        assert after.result(60) == 32


def test_workers_decode_and_scale_with_one_thread():
    import cv2

    with local_pool(1, None) as pool:
        assert pool.submit(cv2.getNumThreads).result(60) == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_one_worker_of_a_small_pool_is_a_thread_of_this_process(workers):
    with small_pool(workers) as pool:
        assert (pool.submit(os.getpid).result(60) == os.getpid()) == (workers == 1)


class _Breaking:
    """An executor that gives its third item a fate of its own, in another executor."""

    def __init__(self, pool, other, *fate):
        self._pool, self._other, self._fate, self._count = pool, other, fate, 0

    def submit(self, *call):
        self._count += 1
        return self._other.submit(*self._fate) if self._count == 3 else self._pool.submit(*call)


@needs_kill
@pytest.mark.parametrize(
    ("fate", "detail"),
    [
        ((signal.raise_signal, signal.SIGKILL), "its process was ended (exit code -9; out of memory?)"),
        ((time.sleep, 3600), "it took longer than the time limit"),
    ],
)
def test_a_lost_item_is_listed_and_done_at_the_next_start(raw, tmp_path, fate, detail):
    out = tmp_path / "out"

    # The limit is too short for faces on a busy machine.
    with local_pool(1, None) as pool, local_pool(1, 0.5) as limited:
        other = limited if fate[0] is time.sleep else pool
        summary = _extract(raw, out, executor=_Breaking(pool, other, *fate), workers=1)

    assert [(row.path, row.reason, row.detail) for row in summary.ledger] == [("02.png", "failed", detail)]
    assert len(summary.samples) == 11
    again = _extract(raw, out, workers=1)
    assert (len(again.samples), len(again.ledger)) == (12, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps to the limit")
def test_an_item_that_takes_too_much_memory_costs_itself_alone(raw, tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "LEAST_MEMORY", 300_000_000)
    monkeypatch.setattr(pool, "MOST_MEMORY", 300_000_000)
    write_image(raw / "big.png", np.zeros((9000, 9000, 3), np.uint8))  # 236 kB, 324 MB once decoded
    items = [Item("big.png", 0, "big"), *_items()[:2]]

    summary = extract(Plan(items), raw, tmp_path / "out", SETTINGS, Execution(workers=1))

    (row,) = summary.ledger
    assert (row.path, row.reason) == ("big.png", "failed")
    assert row.detail.startswith("out of memory")
    assert len(summary.samples) == 2


@pytest.mark.parametrize(
    ("memory", "workers", "each"),
    [
        (24_000_000_000, 2, 4_000_000_000),
        (24_000_000_000, 12, 2_000_000_000),
        (2_000_000_000, 4, 1_500_000_000),
        (None, 8, 4_000_000_000),
    ],
)
def test_processes_share_the_machines_memory(monkeypatch, memory, workers, each):
    monkeypatch.setattr(pool, "available_memory", lambda: memory)
    assert pool._memory_of_each(workers) == each


def _start(*arguments, env):
    return subprocess.Popen(
        [sys.executable, "-m", "distributed.cli." + arguments[0], *arguments[1:]],
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.fixture
def cluster(tmp_path):
    """A dask scheduler and two worker processes on this machine: its address, and the workers."""
    pytest.importorskip("distributed")
    here = Path(__file__).resolve().parents[2]
    env = {**os.environ, "PYTHONPATH": str(here), "DASK_DISTRIBUTED__WORKER__MULTIPROCESSING_METHOD": "spawn"}
    file = tmp_path / "scheduler.json"
    quiet = ("--no-dashboard", "--host", "127.0.0.1")
    started = [_start("dask_scheduler", *quiet, "--port", "0", "--scheduler-file", str(file), env=env)]
    limit = time.monotonic() + 120
    while not file.exists() or not file.read_text().strip():
        assert time.monotonic() < limit
        time.sleep(0.05)
    workers = [
        _start("dask_worker", "--scheduler-file", str(file), *quiet, "--nthreads", "1", "--no-nanny",
               "--local-directory", str(tmp_path / f"worker{n}"), env=env)
        for n in range(2)
    ]  # fmt: skip
    import json

    yield json.loads(file.read_text())["address"], workers
    for process in [*workers, *started]:
        process.kill()
        process.wait()


@needs_kill
@pytest.mark.filterwarnings("ignore")
def test_dask_workers_give_what_processes_give_though_one_is_killed(raw, tmp_path, cluster):
    from distributed import Client

    address, workers = cluster
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=120)
    out = tmp_path / "out"
    whole = _extract(raw, tmp_path / "whole", workers=1)

    def kill_one():
        while not (out / "journal.jsonl").exists() or (out / "journal.jsonl").read_bytes().count(b"\n") < 4:
            time.sleep(0.01)
        workers[0].kill()

    killer = threading.Thread(target=kill_one, daemon=True)
    killer.start()
    with dask_pool(address) as (executor, threads):
        summary = _extract(raw, out, executor=executor, workers=threads)
    killer.join(60)

    assert threads == 2
    assert workers[0].wait(60) == -signal.SIGKILL
    assert (summary.samples, summary.ledger) == (whole.samples, whole.ledger)
    for name in ("manifest.csv", *(sample.path for sample in read_manifest(out / "manifest.csv"))):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense://x"])
def test_a_scheduler_that_does_not_answer_is_one_line(address, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("face_extraction.pool._ANSWER_SECONDS", 1)

    with pytest.raises(InputError, match=f"--dask {address}: no scheduler answers there"), dask_pool(address):
        pass


@needs_kill
def test_processes_that_die_idle_are_replaced():
    with local_pool(1, None) as pool:
        os.kill(pool.submit(os.getpid).result(60), signal.SIGKILL)
        time.sleep(1)
        assert pool.submit(pow, 2, 5).result(60) == 32


class _Dies:
    """Ends the process that unpickles it, which is before any process has taken the call."""

    def __reduce__(self):
        return signal.raise_signal, (signal.SIGKILL,)


@needs_kill
def test_what_waits_for_processes_that_all_broke_down_fails_and_does_not_wait_for_ever():
    many = bytes(200_000)  # more than a pipe holds, so that the calls behind it stay in the queue
    with local_pool(1, None) as pool:
        futures = [pool.submit(len, call) for call in (_Dies(), many, many, many)]
        for future in futures:
            with pytest.raises((BrokenExecutor, ProcessExpired)):
                future.result(60)


@pytest.mark.parametrize(
    ("close", "why"),
    [
        (Path.rmdir, "No such file"),
        pytest.param(
            lambda folder: folder.chmod(0),
            "Permission denied",
            marks=pytest.mark.skipif(
                hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may enter any folder"
            ),
        ),
    ],
)
def test_a_working_folder_that_cannot_be_entered_is_one_line(tmp_path, monkeypatch, close, why):
    folder = tmp_path / "closed"
    folder.mkdir()
    monkeypatch.chdir(folder)
    close(folder)
    with local_pool(1, None) as pool, pytest.raises(InputError, match=f"the working folder: {why}"):
        pool.submit(pow, 2, 5)


def test_processes_that_end_as_soon_as_they_begin_are_one_line(monkeypatch):
    monkeypatch.setattr(pool, "_start_worker", os._exit)  # each is started with a number, its status
    with local_pool(1, None) as processes, pytest.raises(InputError, match="they end as soon as they begin"):
        processes.submit(pow, 2, 5)


def test_a_system_that_gives_no_locks_is_one_line(monkeypatch):
    def refuse(*_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(ProcessPool, "schedule", refuse)
    with (
        local_pool(1, None) as processes,
        pytest.raises(InputError, match=r"cannot be started \(Read-only file system\)"),
    ):
        processes.submit(pow, 2, 5)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_a_umask_that_keeps_the_user_from_his_own_files_is_one_line(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)  # root is kept from nothing
    before = os.umask(0o777)
    try:
        with local_pool(1, None) as pool, pytest.raises(InputError, match="umask 0777 keeps you from"):
            pool.submit(pow, 2, 5)
    finally:
        os.umask(before)
