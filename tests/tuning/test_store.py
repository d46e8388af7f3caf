"""The store: trials of dead workers come back, and a torn database is survived."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import optuna
import pytest
from optuna.trial import TrialState

from dfdetect.recipe import Recipe
from face_extraction.errors import InputError
from tuning.job import parse_job
from tuning.store import MAX_ATTEMPTS, Store
from tuning.strategies import make_strategy
from tuning.strategy import Turn

JOB = parse_job({"strategy": "grid", "trials": 3, "space": {"dropout": [0.0, 0.2, 0.5]}}, "test")
STRATEGY = make_strategy(JOB, Recipe())
# A worker that takes a trial and says so; it never finishes it.
HANGS = """
import sys, time
from pathlib import Path
from tests_store import JOB, STRATEGY, open_store
store = open_store(Path(sys.argv[1]))
held = store.claim("case", STRATEGY, "dies")
print(held.trial.number, flush=True)
time.sleep(600)
"""


def open_store(folder):
    store = Store(folder, "test")
    store.study("case", optuna.pruners.NopPruner())
    return store


def finish(store, held, score):
    store.finish(held, "case", TrialState.COMPLETE, score, {"seconds": 1.0})


def test_the_trial_of_a_killed_worker_comes_back_under_its_number(tmp_path):
    store = open_store(tmp_path)
    finish(store, store.claim("case", STRATEGY, "a"), 0.5)
    code = HANGS.replace("from tests_store", "sys.path.insert(0, sys.argv[2]); from test_store")
    here = os.path.dirname(__file__)
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), here], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "1\n"
    mine = store.claim("case", STRATEGY, "a")
    assert mine.trial.number == 2  # the other's trial is held while it lives
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    again = store.claim("case", STRATEGY, "a")
    assert again.trial.number == 1
    assert STRATEGY.values(again.trial) == {"dropout": 0.2}
    assert again.trial.user_attrs["attempts"] == 2
    finish(store, again, 0.7)
    finish(store, mine, 0.6)
    assert store.claim("case", STRATEGY, "a") is Turn.STOP
    assert [trial.value for trial in store.trials()["case"]] == [0.5, 0.7, 0.6]


def test_a_trial_that_kills_every_worker_is_given_up(tmp_path):
    for _ in range(MAX_ATTEMPTS):
        held = open_store(tmp_path).claim("case", STRATEGY, "w")
        assert held.trial.number == 0
        held.lock.release()  # as the system does when the worker dies
    store = open_store(tmp_path)
    assert store.claim("case", STRATEGY, "w").trial.number == 1
    first = store.trials()["case"][0]
    assert first.state == TrialState.FAIL
    assert "its worker died 3 times" in first.user_attrs["reason"]


@pytest.mark.parametrize("damage", ["torn", "garbage", "gone"])
def test_a_damaged_database_is_made_anew_from_the_copy(tmp_path, damage, capsys):
    store = open_store(tmp_path)
    finish(store, store.claim("case", STRATEGY, "a"), 0.5)
    store.claim("case", STRATEGY, "a").lock.release()  # cut
    path = tmp_path / "trials.db"
    if damage == "gone":
        path.unlink()
    else:
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2] if damage == "torn" else b"x" * 5000)
    store = open_store(tmp_path)
    assert (tmp_path / "trials.db.broken").exists() == (damage != "gone")
    again = store.claim("case", STRATEGY, "a")
    assert (again.trial.number, STRATEGY.values(again.trial)) == (1, {"dropout": 0.2})
    finish(store, again, 0.7)
    finish(store, store.claim("case", STRATEGY, "a"), 0.6)
    assert store.claim("case", STRATEGY, "a") is Turn.STOP
    assert [trial.value for trial in store.trials()["case"]] == [0.5, 0.7, 0.6]


def test_a_trial_that_was_begun_when_the_database_is_lost_counts_as_an_attempt(tmp_path):
    for attempt in (1, 2):
        held = open_store(tmp_path).claim("case", STRATEGY, "w")
        assert (held.trial.number, held.trial.user_attrs["attempts"]) == (0, attempt)
        held.lock.release()  # as the system does when the worker dies
        (tmp_path / "trials.db").unlink()


def test_a_torn_copy_is_read_as_far_as_it_is_whole(tmp_path, capsys):
    store = open_store(tmp_path)
    for score in (0.5, 0.6):
        finish(store, store.claim("case", STRATEGY, "a"), score)
    copy = tmp_path / "trials.jsonl"
    lines = copy.read_text().splitlines()
    assert [json.loads(line)["score"] for line in lines] == [0.5, 0.6]
    copy.write_text(lines[0] + "\n" + lines[1][:40])
    (tmp_path / "trials.db").unlink()
    assert [trial.value for trial in open_store(tmp_path).trials()["case"]] == [0.5]
    assert "a damaged line is left out" in capsys.readouterr().err


def test_a_database_that_cannot_be_had_is_one_line(tmp_path):
    with pytest.raises(InputError, match="--storage: the database cannot be used"):
        Store(tmp_path, "test", "nosuch://host/name")


def test_trials_of_other_data_are_no_trials_of_these(tmp_path):
    store = open_store(tmp_path)
    finish(store, store.claim("case", STRATEGY, "me"), 0.7)
    other = Store(tmp_path, "test-of-new-faces")
    with pytest.raises(InputError, match="its trials used other data"):
        other.study("case", optuna.pruners.NopPruner())


def test_the_copy_keeps_the_trials_of_cases_that_are_not_open(tmp_path):
    store = open_store(tmp_path)
    finish(store, store.claim("case", STRATEGY, "me"), 0.7)
    later = Store(tmp_path, "test")
    later.study("other", optuna.pruners.NopPruner())
    later.write_copy()
    lines = [json.loads(line) for line in (tmp_path / "trials.jsonl").read_text().splitlines()]
    assert [(line["case"], line["score"]) for line in lines] == [("case", 0.7)]


def test_progress_and_an_order_to_stop_are_no_deaths(tmp_path):
    store = open_store(tmp_path)
    for _ in range(5):
        held = store.claim("case", STRATEGY, "me")
        store.give_back(held)
        held.lock.release()
    for _ in range(5):
        held = store.claim("case", STRATEGY, "me")
        store.progressed(held)
        held.lock.release()
    assert store.claim("case", STRATEGY, "me").trial.number == 0


def test_a_search_is_not_deleted_while_a_worker_is_at_a_trial(tmp_path):
    store = open_store(tmp_path)
    held = store.claim("case", STRATEGY, "me")
    with pytest.raises(InputError, match="another process runs trial case-0000; wait for it, or stop it"):
        Store(tmp_path, "test").delete()
    finish(store, held, 0.5)
    assert [trial.value for trial in open_store(tmp_path).trials()["case"]] == [0.5]
    store.delete()
    assert optuna.get_all_study_names(f"sqlite:///{tmp_path}/trials.db") == []


def test_folders_of_one_name_share_a_database_and_no_trial(tmp_path):
    url = f"sqlite:///{tmp_path}/all.db"

    def open_at(folder):
        store = Store(tmp_path / folder / "search", "test", url)
        store.study("case", optuna.pruners.NopPruner())
        return store

    first = open_at("a")
    finish(first, first.claim("case", STRATEGY, "me"), 0.5)
    second = open_at("b")
    assert second.trials() == {"case": []}
    assert len(open_at("a").trials()["case"]) == 1
    second.delete()
    assert len(open_at("a").trials()["case"]) == 1


def test_a_search_goes_on_in_a_folder_of_another_name(tmp_path):
    store = open_store(tmp_path / "old")
    finish(store, store.claim("case", STRATEGY, "me"), 0.5)
    (tmp_path / "old").rename(tmp_path / "new")
    assert [trial.value for trial in open_store(tmp_path / "new").trials()["case"]] == [0.5]


def test_a_folder_may_have_any_name(tmp_path):
    folder = tmp_path / "why? {0} 50%20"
    store = open_store(folder)
    finish(store, store.claim("case", STRATEGY, "me"), 0.5)
    assert (folder / "trials.db").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_failed_trials_wait_again_under_their_numbers(tmp_path):
    store = open_store(tmp_path)
    for score in (None, 0.6, None):
        state = TrialState.FAIL if score is None else TrialState.COMPLETE
        store.finish(store.claim("case", STRATEGY, "me"), "case", state, score, {"reason": "x"})
    store.retry_failed()
    again = []
    while not isinstance(held := store.claim("case", STRATEGY, "me"), Turn):
        with pytest.raises(InputError, match="another process runs trial"):
            store.retry_failed()
        again.append((held.trial.number, STRATEGY.values(held.trial)["dropout"], held.trial.user_attrs))
        finish(store, held, 0.9)
    assert [(number, value) for number, value, _ in again] == [(0, 0.0), (2, 0.5)]
    assert all("reason" not in facts for *_, facts in again)
    assert [trial.value for trial in store.trials()["case"]] == [0.9, 0.6, 0.9]


def test_what_follows_a_gap_in_the_copy_gets_no_other_trials_number(tmp_path):
    """Numbers tell the run folders: trial 2 would be taken for trial 1, with the values of another."""
    store = open_store(tmp_path)
    for score in (0.5, 0.6, 0.7):
        finish(store, store.claim("case", STRATEGY, "a"), score)
    copy = tmp_path / "trials.jsonl"
    first, second, third = copy.read_text().splitlines()
    copy.write_text("\n".join([first, second[:40], third, ""]))
    (tmp_path / "trials.db").unlink()
    assert [trial.value for trial in open_store(tmp_path).trials()["case"]] == [0.5]


def test_trials_that_an_older_database_lacks_come_back_from_the_copy(tmp_path):
    """As if a backup of it had been put back."""
    store = open_store(tmp_path)
    finish(store, store.claim("case", STRATEGY, "a"), 0.5)
    backup = (tmp_path / "trials.db").read_bytes()
    for score in (0.6, 0.7):
        finish(store, store.claim("case", STRATEGY, "a"), score)
    (tmp_path / "trials.db").write_bytes(backup)

    store = open_store(tmp_path)

    assert [trial.value for trial in store.trials()["case"]] == [0.5, 0.6, 0.7]
    assert store.claim("case", STRATEGY, "a") is Turn.STOP  # none is searched again


def test_a_database_that_lost_a_table_is_told_and_the_copy_stays(tmp_path):
    store = open_store(tmp_path)
    finish(store, store.claim("case", STRATEGY, "a"), 0.5)
    copy = (tmp_path / "trials.jsonl").read_bytes()
    with closing(sqlite3.connect(tmp_path / "trials.db")) as database:
        database.execute("DROP TABLE trials")
        database.commit()
    with pytest.raises(InputError, match=r"move trials\.db away, and it is made anew from trials\.jsonl"):
        open_store(tmp_path)
    assert (tmp_path / "trials.jsonl").read_bytes() == copy
    (tmp_path / "trials.db").unlink()
    assert [trial.value for trial in open_store(tmp_path).trials()["case"]] == [0.5]


def _made_by(version, path):
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE alembic_version SET version_num = ?", (version,))
        database.commit()


@pytest.mark.parametrize("version", ["v3.0.0.d", "v9.9.9.a"])
def test_a_database_of_another_optuna_is_made_anew_from_the_copy(tmp_path, version, capsys):
    store = open_store(tmp_path)
    finish(store, store.claim("case", STRATEGY, "a"), 0.5)
    _made_by(version, tmp_path / "trials.db")
    capsys.readouterr()

    store = open_store(tmp_path)

    told = capsys.readouterr().err
    assert (
        "trials.db: made by another version of Optuna, or by another program; moved to trials.db.broken"
        in told
    )
    assert [trial.value for trial in store.trials()["case"]] == [0.5]
    assert store.claim("case", STRATEGY, "a").trial.number == 1


def test_somebody_elses_database_of_another_optuna_is_refused_and_left_alone(tmp_path):
    url = f"sqlite:///{tmp_path / 'theirs.db'}"
    Store(tmp_path / "first", "test", url)
    _made_by("v9.9.9.a", tmp_path / "theirs.db")
    before = (tmp_path / "theirs.db").read_bytes()
    with pytest.raises(InputError, match="--storage: the database was made by another version of Optuna"):
        Store(tmp_path / "second", "test", url)
    assert (tmp_path / "theirs.db").read_bytes() == before


def test_a_database_with_tables_of_another_program_is_refused_and_left_alone(tmp_path):
    theirs = tmp_path / "theirs.db"
    with closing(sqlite3.connect(theirs)) as database:
        database.execute("CREATE TABLE studies (student TEXT)")
        database.execute("INSERT INTO studies VALUES ('one')")
        database.commit()
    with pytest.raises(InputError, match="--storage: the database has tables of Optuna's names that are not"):
        Store(tmp_path / "search", "test", f"sqlite:///{theirs}")
    with closing(sqlite3.connect(theirs)) as database:
        assert database.execute("SELECT student FROM studies").fetchall() == [("one",)]


def test_a_connection_that_the_database_closed_meanwhile_is_made_anew(tmp_path):
    store = open_store(tmp_path)
    held = store.claim("case", STRATEGY, "a")
    store._storage.remove_session()
    pool = store._storage.engine.pool
    assert pool.checkedin()
    for record in pool._pool.queue:
        record.dbapi_connection.close()
    finish(store, held, 0.5)
    assert [trial.value for trial in store.trials()["case"]] == [0.5]
