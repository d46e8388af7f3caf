"""The folder of a GAN: its file names, and the record of what decides it."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypedDict

from dfdetect.fakes.gan.settings import Design, Training
from face_extraction.atomic import write_csv
from face_extraction.errors import InputError
from face_extraction.json_file import read_json, write_json
from face_extraction.manifest import manifest_hash

COLUMNS = ("step", "discriminator", "generator", "penalty", "frechet", "precision", "recall", "samples")
Row = Mapping[str, float | int | str]
"""A row of history.csv, by column; "" where nothing was measured."""


class _Record(TypedDict):
    kind: str
    side: int
    width: int
    manifest: str


class Folder:
    """The folder of a GAN.

    Attributes:
        path: the folder.
        record: what decides the GAN, gan.json.
        checkpoint: the state of the training, with the average of the generator's weights.
        history: losses and measures.
        floor: the measures between reals, which no generator can be expected to beat.
        ledger: real faces that could not be read.
    """

    def __init__(self, path: Path) -> None:
        """Name the files; nothing is read or written."""
        self.path = path
        self.record = path / "gan.json"
        self.checkpoint = path / "checkpoint.npz"
        self.history = path / "history.csv"
        self.floor = path / "floor.json"
        self.ledger = path / "ledger.csv"

    def sheet(self, step: int) -> Path:
        """The sample sheet of a step."""
        return self.path / "sheets" / f"{step:07d}.png"

    def begin(self, design: Design, training: Training, manifest: Path) -> None:
        """Record what decides the GAN, or check that an earlier call recorded the same.

        Raises:
            InputError: the folder holds another GAN.
        """
        wanted: dict[str, Any] = {**asdict(design), **asdict(training), "manifest": manifest_hash(manifest)}
        if not self.record.is_file():
            write_json(self.record, wanted)
            return
        had = read_json(self.record, dict[str, Any])
        name = next((name for name in wanted if had.get(name) != wanted[name]), None)
        if name is not None:
            raise InputError(
                f"{self.path}: it holds a GAN with {name} {had.get(name)!r}, not {wanted[name]!r}; "
                "choose another --out"
            )

    def design(self) -> Design:
        """The networks of the recorded GAN.

        Raises:
            InputError: there is none, or its training was cut before its first checkpoint.
        """
        record = read_json(self.record, _Record)
        if not self.checkpoint.is_file():
            raise InputError(f"{self.checkpoint}: no such file; train the GAN first (fakes gan train)")
        return Design(record["kind"], record["side"], record["width"])

    def write_history(self, rows: Sequence[Row]) -> None:
        """Write all rows, atomically."""
        write_csv(self.history, COLUMNS, [[row[name] for name in COLUMNS] for row in rows])

    def read_history(self, until: int) -> list[Row]:
        """The rows up to a step; none if there is no history yet."""
        if not self.history.is_file():
            return []
        with self.history.open(newline="", encoding="utf-8") as handle:
            return [row for row in csv.DictReader(handle) if int(row["step"]) <= until]
