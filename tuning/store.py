"""Keep the trials of a search: an Optuna study for each case, in SQLite or any database by URL.

Any number of workers share it. A worker holds its running trial by a lock on a file in the search's
folder. The system frees the lock when the worker dies for any reason. The next worker then continues the
trial under the same number, so nothing is counted twice. Workers on several machines therefore share the
folder, and a database such as PostgreSQL, because SQLite is not made for network file systems.
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
from face_extraction.errors import InputError, one_line
from face_extraction.json_file import parse_json
from tuning.job import slug
from tuning.strategy import Strategy, Turn

DATABASE, COPY, NAME = "trials.db", "trials.jsonl", "search.txt"
SEARCH_LOCK = "search.lock"
WORKER, ATTEMPTS, REASON = "worker", "attempts", "reason"
# If several workers die in one trial, the trial most likely kills them.
MAX_ATTEMPTS = 3
BUSY_SECONDS = 60


@dataclass
class Held:
    """A trial that this process runs.

    Attributes:
        trial: the trial.
        lock: it tells other workers that the trial runs.
    """

    trial: optuna.Trial
    lock: FileLock


class Store:
    """The trials of a search.

    Args:
        folder: the search's folder.
        digest: hash of what is searched and on which data.
        url: address of a database; "" for SQLite in the folder.

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
            self._storage = _connect(url) if url else self._open_own()

    def _open_own(self) -> optuna.storages.RDBStorage:
        """The SQLite database in the folder; one that cannot be used gives way to a new one.

        Raises:
            InputError: it cannot be used, and a worker is at a trial.
        """
        path = self.folder / DATABASE
        _set_aside_if_torn(path)
        # Built from its parts, which are then escaped: a folder's name may have a question mark.
        url = sqlalchemy.URL.create("sqlite", database=str(path.absolute())).render_as_string()
        try:
            return _connect(url)
        except _OtherOptuna:
            self._check_idle()
            _set_aside(path, "made by another version of Optuna, or by another program")
            return _connect(url)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let only one worker at a time run the block."""
        with self._lock:
            yield

    def study(self, case: str, pruner: optuna.pruners.BasePruner) -> optuna.Study:
        """The case's study; trials that the database has lost are restored from the copy."""
        with self._lock:
            self._check_copy()
            name = f"{self._name}: {case}"
            study = optuna.create_study(
                storage=self._storage,
                study_name=name,
                direction="maximize",
                pruner=pruner,
                load_if_exists=True,
            )
            self._studies[case] = study
            held = len(study.get_trials(deepcopy=False))
            try:
                for trial in _read_copy(self.folder / COPY, case)[held:]:
                    study.add_trial(trial)
            except (optuna.exceptions.StorageInternalError, sqlalchemy.exc.SQLAlchemyError) as error:
                raise InputError(
                    f"{self.folder}: the database lacks trials of {COPY} and does not take them; move "
                    f"{DATABASE} away, and it is made anew from {COPY} ({one_line(error)})"
                ) from None
        return study

    def trials(self) -> dict[str, list[FrozenTrial]]:
        """All trials by case, in order."""
        return {case: study.get_trials(deepcopy=False) for case, study in self._studies.items()}

    def claim(self, case: str, strategy: Strategy, worker: str) -> Held | Turn:
        """Take the next trial of a case: one that a dead worker left, or a new one.

        Returns:
            The held trial; or `Turn.WAIT` if there is none now, or `Turn.STOP` if there are no more.
        """
        study = self._studies[case]
        with self._lock:
            held = self._left(case, study)
            if held is None:
                # A waiting trial was proposed by a worker that was killed before it took the trial.
                waiting = study.get_trials(deepcopy=False, states=(TrialState.WAITING,))
                turn = Turn.RUN if waiting else strategy.prepare(study)
                if turn is not Turn.RUN:
                    return self._turn(study, turn)
                trial = study.ask()
                lock = self._trial_lock(case, trial.number)
                lock.acquire(timeout=0)
                held = Held(trial, lock)
            strategy.values(held.trial)  # fixes the values now, while no other worker can
            held.trial.set_user_attr(WORKER, worker)
            held.trial.set_user_attr(ATTEMPTS, held.trial.user_attrs.get(ATTEMPTS, 0) + 1)
            self.write_copy()
        return held

    def finish(
        self, held: Held, case: str, state: TrialState, score: float | None, facts: dict[str, Any]
    ) -> None:
        """Record how a trial ended, and release it."""
        with self._lock:
            for name, value in facts.items():
                held.trial.set_user_attr(name, value)
            study = self._studies[case]
            study.tell(held.trial, score if state == TrialState.COMPLETE else None, state=state)
            self.write_copy()
        held.lock.release()

    def progressed(self, held: Held) -> None:
        """Record that an epoch is done: the trial makes progress, so a death of its worker counts from 0."""
        if held.trial.user_attrs.get(ATTEMPTS, 0):
            held.trial.set_user_attr(ATTEMPTS, 0)

    def give_back(self, held: Held) -> None:
        """Release a trial whose worker was told to stop, without counting a death against it."""
        with suppress(optuna.exceptions.StorageInternalError):  # a full disk cannot record it
            held.trial.set_user_attr(ATTEMPTS, held.trial.user_attrs.get(ATTEMPTS, 0) - 1)

    def retry_failed(self) -> None:
        """Make the failed trials of the open studies wait again, under their numbers.

        Optuna cannot reopen a finished trial, so the studies are rebuilt from the copy, as after a loss.

        Raises:
            InputError: a worker runs a trial.
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
        """Write all trials as JSON lines, atomically, for readers and to resume if the database is lost."""
        self._write(self._copied())

    def _copied(self) -> list[dict[str, Any]]:
        """The content of the copy: trials of the open studies, and those of others that it already holds."""
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
            InputError: the copy holds such trials.
        """
        if any(record["search"] != self._name for record in _records(self.folder / COPY, tell=True)):
            raise InputError(
                f"{self.folder}: its trials used other data (the manifest has changed); "
                "give another --out or --folder, or --overwrite"
            )

    def delete(self) -> None:
        """Delete the studies.

        Raises:
            InputError: a worker runs a trial.
        """
        with self._lock:
            self._check_idle()
            for name in optuna.get_all_study_names(self._storage):
                if name.startswith(f"{self._name}: "):
                    optuna.delete_study(study_name=name, storage=self._storage)

    def _check_idle(self) -> None:
        """Refuse to touch trials while a worker runs one."""
        for path in (self.folder / "locks").glob("*.lock"):
            if path.name != SEARCH_LOCK and _is_held(path):
                raise InputError(
                    f"{self.folder}: another process runs trial {path.stem}; wait for it, or stop it"
                )

    def _left(self, case: str, study: optuna.Study) -> Held | None:
        """Take over a running trial whose worker is dead; fail trials that killed too many workers."""
        for frozen in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            lock = self._trial_lock(case, frozen.number)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            trial = optuna.Trial(study, frozen._trial_id)
            if trial.user_attrs.get(ATTEMPTS, 0) < MAX_ATTEMPTS:
                return Held(trial, lock)
            trial.set_user_attr(REASON, f"its worker died {MAX_ATTEMPTS} times (out of memory?)")
            study.tell(trial, state=TrialState.FAIL)
            lock.release()
        return None

    def _turn(self, study: optuna.Study, turn: Turn) -> Turn:
        """Wait while a trial runs: its worker may die, and then another has to continue the trial."""
        running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return Turn.WAIT if running else turn

    def _trial_lock(self, case: str, number: int) -> FileLock:
        return FileLock(self.folder / "locks" / f"{slug(case)}-{number:04d}.lock")


def _own_name(folder: Path) -> str:
    """The search's unique name in a database, made once and kept in the folder."""
    path = folder / NAME
    if not path.is_file():
        # A search that began before this file existed has only the folder's name.
        chance = "" if (folder / COPY).is_file() else f"-{secrets.token_hex(4)}"
        write_text(path, folder.absolute().name + chance)
    return path.read_text(encoding="utf-8")


def _is_held(path: Path) -> bool:
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True


class _OtherOptuna(InputError):
    """The tables are those of a version of Optuna that this one cannot read, or not Optuna's at all."""


def _connect(url: str) -> optuna.storages.RDBStorage:
    # Databases close connections that idle for the length of an epoch: each is tried before it is used.
    options: dict[str, Any] = {"pool_pre_ping": True}
    if url.startswith("sqlite"):
        options["connect_args"] = {"timeout": BUSY_SECONDS}
    try:
        storage = optuna.storages.RDBStorage(url, engine_kwargs=options)
        storage.get_all_studies()  # tables of the same names may be another program's
        return storage
    except RuntimeError as error:  # Optuna's own class for tables of another version
        raise _OtherOptuna(
            f"--storage: the database was made by another version of Optuna than {optuna.__version__}: give "
            f"another database, or see `optuna storage upgrade --help` ({one_line(error)})"
        ) from None
    except optuna.exceptions.StorageInternalError as error:
        raise _OtherOptuna(
            "--storage: the database has tables of Optuna's names that are not Optuna's; give another one "
            f"({one_line(error.__cause__ or error)})"
        ) from None
    except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
        line = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"--storage: the database cannot be used: {line}") from None


def _set_aside_if_torn(path: Path) -> None:
    """Move a damaged database aside, so that a new one can replace it."""
    if not path.is_file():
        return
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as database:
            if database.execute("PRAGMA quick_check").fetchone() == ("ok",):
                return
    except sqlite3.DatabaseError:
        pass
    _set_aside(path, "damaged")


def _set_aside(path: Path, why: str) -> None:
    """Rename a database with its side files, so that a new one is made."""
    broken = path.with_suffix(".db.broken")
    for ending in ("", "-journal", "-wal", "-shm"):
        side = path.with_name(path.name + ending)
        if side.exists():
            side.replace(broken.with_name(broken.name + ending))
    print(f"{path}: {why}; moved to {broken.name}, and rebuilt from {COPY}", file=sys.stderr)


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
    """The complete lines of the copy; `tell` warns about the others."""
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            record = parse_json(line)
            if not {"search", "case", "number", "state"} <= set(record):
                raise KeyError
        except (ValueError, KeyError, TypeError):
            if tell:
                print(f"{path}: a damaged line is left out", file=sys.stderr)
            continue
        yield record


def _read_copy(path: Path, case: str) -> list[FrozenTrial]:
    """The case's trials in the copy; those that had not ended wait again."""
    found: list[FrozenTrial] = []
    for record in _records(path):
        # A trial's number names its run folder: after a gap, a trial would get the folder of another.
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
