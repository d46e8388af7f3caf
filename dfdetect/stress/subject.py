"""What is stressed: a run, its cuts, the faces, and the folder of the results."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dfdetect import __version__
from dfdetect.data.opening import open_data, open_manifest
from dfdetect.metrics.estimates import no_skill
from dfdetect.models.shipped import check_not_shipped, run_folder
from dfdetect.out_folder import check_out
from dfdetect.runs.build import load_model
from dfdetect.runs.calibration import cuts_at_home
from dfdetect.runs.folder import Run
from dfdetect.runs.lineage import scoring_leaks
from dfdetect.stress.faces import Case, Chosen, read_cases
from dfdetect.stress.stressing import Scorer
from dfdetect.stress.writing import About
from face_extraction.digest import file_digest
from face_extraction.ledger import LedgerRow, write_ledger
from face_extraction.lock import alone
from face_extraction.manifest import of_split
from face_extraction.wording import plural


@dataclass(frozen=True, eq=False)
class Subject:
    """All that a command needs.

    Attributes:
        scorer: the run's model and cuts.
        cases: the faces that could be read.
        unread: those that could not.
        about: what stands beside the numbers.
        out: the folder of the results.
    """

    scorer: Scorer
    cases: Sequence[Case]
    unread: Sequence[LedgerRow]
    about: About
    out: Path

    @property
    def facts(self) -> Mapping[str, Any]:
        """What decides the results; the header of their file."""
        return self.about.facts

    @property
    def unscored(self) -> Path:
        """The ledger of faces that could not be read."""
        return self.out / "unscored.csv"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes out of the folder while the block runs.

        Raises:
            InputError: another process writes into it.
        """
        with alone(self.out):
            write_ledger(self.unscored, self.unread)
            yield


def open_subject(run: Path, manifest: Path | None, chosen: Chosen, out: Path | None) -> Subject:
    """Load the run, and read its faces once.

    Args:
        run: its folder, or the name of a detector that ships.
        manifest: the faces; None for the run's own.
        chosen: which of them.
        out: the folder of the results; None for the run's own.

    Raises:
        InputError: the run is not finished, the manifest is wrong, or the faces lack a class.
    """
    source = Run(run_folder(run))
    source.require_finished()
    if out is None:
        check_not_shipped(source.folder)
    check_out(out or source.stress)
    recipe = source.recipe()
    data = open_manifest(manifest) if manifest else open_data(source.with_data())
    leaks = scoring_leaks(source, of_split(data.samples, chosen.split))
    notices = [line for line in (*data.notices, *leaks, no_skill(source.metrics())) if line]
    for line in notices:
        print(line)
    cases, unread = read_cases(data, chosen, recipe.frames)
    groups = len({(case.sample.source, case.sample.group) for case in cases})
    facts = {
        "dfdetect": __version__,
        "weights_sha256": file_digest(source.weights),
        "manifest_sha256": data.digest,
        **asdict(chosen),
        "faces": len(cases),
    }
    counts = f"{plural(len(cases), recipe.unit)} of {plural(groups, 'group')}"
    words = f"{counts}, split {chosen.split}, of {data.path}"
    about = About(source.name, words, notices, facts)
    return Subject(_scorer(source), cases, unread, about, out or source.stress)


@dataclass(frozen=True, eq=False)
class Other:
    """Another run that scores the same files.

    Attributes:
        scorer: its model and cuts.
        facts: what identifies it in the header of the results.
        notices: what to read before any number of it.
    """

    scorer: Scorer
    facts: Mapping[str, str]
    notices: Sequence[str]


def other_run(folder: Path, cases: Sequence[Case]) -> Other:
    """Load another run, and tell what it has seen of the cases.

    Raises:
        InputError: the run is not finished.
    """
    other = Run(run_folder(folder))
    other.require_finished()
    lines = [*scoring_leaks(other, [case.sample for case in cases]), no_skill(other.metrics())]
    notices = [f"Transferred to {other.name}: {line}" for line in lines if line]
    return Other(_scorer(other), {"transfer_sha256": file_digest(other.weights)}, notices)


def _scorer(run: Run) -> Scorer:
    return Scorer(load_model(run), cuts_at_home(run, "photo"))
