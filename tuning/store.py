"""Where a search keeps its trials: an Optuna study a case, in SQLite or any database by URL.

Any number of workers share it. A trial that is running is held by a lock on a file in the search's
folder, which the system frees when its worker dies, however it dies: then the next worker takes the
trial up, under its number, and nothing is counted twice. Workers on several machines therefore share
the folder, and a database such as PostgreSQL, because SQLite is not made for network file systems.
"""

import json
import secrets
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy
from filelock import FileLock, Timeout
from optuna.trial import FrozenTrial, TrialState

from face_extraction.atomic import write_text
from face_extraction.errors import InputError
from tuning.job import slug
from tuning.strategy import Strategy, Turn

DATABASE, COPY, NAME = "trials.db", "trials.jsonl", "search.txt"
SEARCH_LOCK = "search.lock"
WORKER, ATTEMPTS, REASON = "worker", "attempts", "reason"
# A trial whose workers all died is most likely what killed them.
MAX_ATTEMPTS = 3
BUSY_SECONDS = 60


@dataclass
class Held:
    """A trial that this process runs.

    Attributes:
        trial: the trial.
        lock: what tells others that it is run.
    """

    trial: optuna.Trial
    lock: FileLock


class Store:
    """The trials of a search.

    Args:
        folder: the search's folder.
        digest: of what is searched, on which data.
        url: of a database; "" for SQLite in the folder.

    Raises:
        InputError: the database cannot be reached.
    """

    def __init__(self, folder: Path, digest: str, url: str = "") -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(folder / "locks" / SEARCH_LOCK)
        (folder / "locks").mkdir(exist_ok=True)
        self._studies: dict[str, optuna.Study] = {}
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        with self._lock:
            self._name = f"{_own_name(folder)}-{digest}"
            if not url:
                _set_aside_if_torn(folder / DATABASE)
            # Of its parts, which it escapes: a folder's name may have a question mark.
            file = sqlalchemy.URL.create("sqlite", database=str(folder.absolute() / DATABASE))
            self._storage = _connect(url or file.render_as_string())

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One worker at a time is in here."""
        with self._lock:
            yield

    def study(self, case: str, pruner: optuna.pruners.BasePruner) -> optuna.Study:
        """The case's study; one that the database lost is filled from the copy."""
        with self._lock:
            self._check_copy()
            name = f"{self._name}: {case}"
            known = name in optuna.get_all_study_names(self._storage)
            study = optuna.create_study(
                storage=self._storage,
                study_name=name,
                direction="maximize",
                pruner=pruner,
                load_if_exists=True,
            )
            self._studies[case] = study
            if not known:
                for trial in _read_copy(self.folder / COPY, case):
                    study.add_trial(trial)
        return study

    def trials(self) -> dict[str, list[FrozenTrial]]:
        """All trials by case, in order."""
        return {case: study.get_trials(deepcopy=False) for case, study in self._studies.items()}

    def claim(self, case: str, strategy: Strategy, worker: str) -> Held | Turn:
        """The next trial of a case, held: one that a dead worker left, or a new one.

        Returns:
            The trial; or that there is none now, or no more.
        """
        study = self._studies[case]
        with self._lock:
            held = self._left(case, study)
            if held is None:
                # A waiting one was proposed by a worker that was killed before it took it.
                waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
                turn = Turn.RUN if waiting else strategy.prepare(study)
                if turn is not Turn.RUN:
                    return self._turn(study, turn)
                trial = study.ask()
                lock = self._trial_lock(case, trial.number)
                lock.acquire(timeout=0)
                held = Held(trial, lock)
            strategy.values(held.trial)  # samples them now, while no other worker asks
            held.trial.set_user_attr(WORKER, worker)
            held.trial.set_user_attr(ATTEMPTS, held.trial.user_attrs.get(ATTEMPTS, 0) + 1)
            self.write_copy()
        return held

    def finish(
        self, held: Held, case: str, state: TrialState, score: float | None, facts: dict[str, Any]
    ) -> None:
        """Record how a trial ended, and let it go."""
        with self._lock:
            for name, value in facts.items():
                held.trial.set_user_attr(name, value)
            study = self._studies[case]
            study.tell(held.trial, score if state == TrialState.COMPLETE else None, state=state)
            self.write_copy()
        held.lock.release()

    def progressed(self, held: Held) -> None:
        """An epoch is done: should the worker die now, the next one does not begin where this one did."""
        if held.trial.user_attrs.get(ATTEMPTS, 0):
            held.trial.set_user_attr(ATTEMPTS, 0)

    def give_back(self, held: Held) -> None:
        """Let a trial go that its worker was told to leave: no death counts against it."""
        with suppress(optuna.exceptions.StorageInternalError):  # a full disk takes no note of it
            held.trial.set_user_attr(ATTEMPTS, held.trial.user_attrs.get(ATTEMPTS, 0) - 1)

    def retry_failed(self) -> None:
        """Make the failed trials of the open studies wait again, under their numbers.

        A finished trial stays so in Optuna: the studies are made anew from the copy, as after a loss.

        Raises:
            InputError: a worker is at a trial.
        """
        with self._lock:
            self._check_idle()
            records = self._copied()
            failed = [r for r in records if r["state"] == TrialState.FAIL.name and r["case"] in self._studies]
            for record in failed:
                record["state"] = TrialState.WAITING.name
                record["facts"] = {k: v for k, v in record["facts"].items() if k not in (REASON, ATTEMPTS)}
            self._write(records)
            for case, study in [*self._studies.items()] if failed else ():
                optuna.delete_study(study_name=study.study_name, storage=self._storage)
                self.study(case, study.pruner)

    def write_copy(self) -> None:
        """Write all trials as lines of JSON, atomically: to read, and to go on when the database is lost."""
        self._write(self._copied())

    def _copied(self) -> list[dict[str, Any]]:
        """What the copy is to hold: the trials of the open studies, and those it has of others."""
        closed = [record for record in _records(self.folder / COPY) if record["case"] not in self._studies]
        return closed + [
            {"search": self._name, "case": case, **_record(trial)}
            for case, trials in self.trials().items()
            for trial in trials
        ]

    def _write(self, records: list[dict[str, Any]]) -> None:
        write_text(self.folder / COPY, "".join(json.dumps(record) + "\n" for record in records))

    def _check_copy(self) -> None:
        """Refuse trials of other data, or of another search.

        Raises:
            InputError: the copy holds some.
        """
        if any(record["search"] != self._name for record in _records(self.folder / COPY, tell=True)):
            raise InputError(
                f"{self.folder}: its trials are of other data (the manifest has changed); "
                "give another --out or --folder, or --overwrite"
            )

    def delete(self) -> None:
        """Delete the studies.

        Raises:
            InputError: a worker is at a trial.
        """
        with self._lock:
            self._check_idle()
            for name in optuna.get_all_study_names(self._storage):
                if name.startswith(f"{self._name}: "):
                    optuna.delete_study(study_name=name, storage=self._storage)

    def _check_idle(self) -> None:
        """Refuse to touch trials while a worker is at one of them."""
        for path in (self.folder / "locks").glob("*.lock"):
            if path.name != SEARCH_LOCK and _is_held(path):
                raise InputError(
                    f"{self.folder}: another process runs trial {path.stem}; wait for it, or stop it"
                )

    def _left(self, case: str, study: optuna.Study) -> Held | None:
        """A running trial whose worker is dead, held; those that killed every worker are failed."""
        for frozen in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            lock = self._trial_lock(case, frozen.number)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            trial = optuna.Trial(study, frozen._trial_id)
            if trial.user_attrs.get(ATTEMPTS, 0) < MAX_ATTEMPTS:
                return Held(trial, lock)
            trial.set_user_attr(REASON, f"its worker died, {MAX_ATTEMPTS} times (out of memory?)")
            study.tell(trial, state=TrialState.FAIL)
            lock.release()
        return None

    def _turn(self, study: optuna.Study, turn: Turn) -> Turn:
        """Nobody stops while a trial runs: its worker may die, and it would be lost."""
        running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return Turn.WAIT if running else turn

    def _trial_lock(self, case: str, number: int) -> FileLock:
        return FileLock(self.folder / "locks" / f"{slug(case)}-{number:04d}.lock")


def _own_name(folder: Path) -> str:
    """What tells the search from all others in a database: made once, and kept in the folder."""
    path = folder / NAME
    if not path.is_file():
        # Of a search that was begun before there was this file, the folder's name alone.
        chance = "" if (folder / COPY).is_file() else f"-{secrets.token_hex(4)}"
        write_text(path, folder.absolute().name + chance)
    return path.read_text(encoding="utf-8")


def _is_held(path: Path) -> bool:
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True


def _connect(url: str) -> optuna.storages.RDBStorage:
    options = {"connect_args": {"timeout": BUSY_SECONDS}} if url.startswith("sqlite") else {}
    try:
        return optuna.storages.RDBStorage(url, engine_kwargs=options)
    except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"--storage: the database cannot be used: {line}") from None


def _set_aside_if_torn(path: Path) -> None:
    """Give way to a new database when this one is damaged."""
    if not path.is_file():
        return
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as database:
            if database.execute("PRAGMA quick_check").fetchone() == ("ok",):
                return
    except sqlite3.DatabaseError:
        pass
    broken = path.with_suffix(".db.broken")
    for ending in ("", "-journal", "-wal", "-shm"):
        side = path.with_name(path.name + ending)
        if side.exists():
            side.replace(broken.with_name(broken.name + ending))
    print(f"{path}: damaged; set aside as {broken.name}, and made anew from {COPY}", file=sys.stderr)


def _record(trial: FrozenTrial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "state": trial.state.name,
        "score": trial.value,
        "params": trial.params or trial.system_attrs.get("fixed_params", {}),
        "facts": trial.user_attrs,
        "steps": {str(step): value for step, value in trial.intermediate_values.items()},
        "distributions": {
            name: optuna.distributions.distribution_to_json(kind)
            for name, kind in trial.distributions.items()
        },
    }


def _records(path: Path, *, tell: bool = False) -> Iterator[dict[str, Any]]:
    """The lines of the copy, as far as they are whole; `tell` warns of others."""
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = json.loads(line)
            if not {"search", "case", "number", "state"} <= set(record):
                raise KeyError
        except (ValueError, KeyError, TypeError):
            if tell:
                print(f"{path}: a damaged line is left out", file=sys.stderr)
            continue
        yield record


def _read_copy(path: Path, case: str) -> list[FrozenTrial]:
    """The case's trials in the copy; what had not ended waits again."""
    found: list[FrozenTrial] = []
    for record in _records(path):
        # Numbers tell the run folders: what follows a gap would get another's.
        if record["case"] == case and record["number"] == len(found):
            try:
                found.append(_restore(record))
            except (ValueError, KeyError, TypeError):
                print(f"{path}: a damaged line is left out", file=sys.stderr)
    return found


def _restore(record: dict[str, Any]) -> FrozenTrial:
    state = TrialState[record["state"]]
    if not state.is_finished():
        return optuna.create_trial(
            state=TrialState.WAITING,
            system_attrs={"fixed_params": record["params"]},
            user_attrs=record["facts"],
        )
    return optuna.create_trial(
        state=state,
        value=record["score"] if state == TrialState.COMPLETE else None,
        params=record["params"],
        distributions={
            name: optuna.distributions.json_to_distribution(text)
            for name, text in record["distributions"].items()
        },
        user_attrs=record["facts"],
        intermediate_values={int(step): value for step, value in record["steps"].items()},
    )
