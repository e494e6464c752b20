"""What a search leaves on disk: `search.json`, one row a trial, by which it also continues."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from zsrobust.errors import RunFolderError
from zsrobust.records.atomic import write_text
from zsrobust.records.header import DatasetHeader, ModelHeader, ProtocolHeader
from zsrobust.records.intervals import Rate
from zsrobust.settings import StrictModel

FILE_NAME = "search.json"


class Trial(StrictModel):
    """One point of the grid, trained and measured.

    values: dotted place -> text. folder, measured: its model and the run that measured it, under
    the search's folder. right: images classified rightly, clean and under the attack. score: the
    mean of clean and robust accuracy. said: why it diverged.
    """

    name: str
    values: dict[str, str]
    recipe_hash: str
    state: Literal["to come", "finished", "diverged"] = "to come"
    folder: str
    measured: str | None = None
    steps: int | None = None
    clean_right: int | None = None
    robust_right: int | None = None
    clean: Rate | None = None
    robust: Rate | None = None
    score: float | None = None
    collapsed: bool = False
    said: str | None = None

    @property
    def overrides(self) -> list[str]:
        """Its values as `--set` takes them."""
        return [f"{place}={text}" for place, text in self.values.items()]

    @property
    def choice(self) -> str:
        """Its values as a reader wants them, each by the last part of its place."""
        return " ".join(f"{place.rpartition('.')[2]}={text}" for place, text in self.values.items())


class SearchRecord(StrictModel):
    """A search: what it tries, on which images, and what came of it.

    recipe: before any value of the grid. dataset: what is learned from, before the recipe's own
    choice of samples. validation: what trials are measured on. n, chance: of the validation images.
    best: the trial with the best score, once all have ended.
    """

    schema_version: Literal[1] = 1
    command: str
    recipe: ProtocolHeader
    overrides: tuple[str, ...]
    model: ModelHeader
    dataset: DatasetHeader
    validation: DatasetHeader
    protocol: ProtocolHeader
    grid: dict[str, tuple[str, ...]]
    seed: int
    limit: int | None
    n: int
    chance: float
    versions: dict[str, str]
    device: str
    trials: tuple[Trial, ...]
    best: str | None = None

    @property
    def ranked(self) -> list[Trial]:
        """The finished trials from the best score down, then the others.

        Between equal scores the higher robust accuracy comes first, then the earlier draw.
        """
        done = [trial for trial in self.trials if trial.score is not None]
        done.sort(key=lambda t: (-(t.score or 0.0), -(t.robust.value if t.robust else 0.0)))
        return [*done, *(trial for trial in self.trials if trial.score is None)]

    @property
    def at_edges(self) -> dict[str, str]:
        """Place -> the best trial's value, where it is an end of at least three numbers tried."""
        best = next((trial.values for trial in self.trials if trial.folder == self.best), {})
        return {
            place: best[place]
            for place, values in self.grid.items()
            if place in best and _is_end(best[place], values)
        }

    @property
    def to_come(self) -> int:
        """How many trials have not ended."""
        return sum(trial.state == "to come" for trial in self.trials)

    @property
    def identity(self) -> dict[str, Any]:
        """What two searches must share for one to continue the other."""
        hashes = {
            name: f"{header.name} ({header.hash})"
            for name, header in (
                ("recipe", self.recipe),
                ("model", self.model),
                ("dataset", self.dataset),
                ("validation images", self.validation),
                ("protocol", self.protocol),
            )
        }
        grid = " ".join(f"{place}={','.join(values)}" for place, values in self.grid.items())
        own = {"seed": self.seed, "trials": len(self.trials), "limit": self.limit}
        return {"grid": grid, **own, **hashes}

    def with_trial(self, trial: Trial) -> SearchRecord:
        """The same search, with what came of one trial."""
        trials = tuple(trial if each.name == trial.name else each for each in self.trials)
        return self.model_copy(update={"trials": trials})


def _is_end(value: str, values: Sequence[str]) -> bool:
    """Whether `value` is the smallest or the largest of at least three numbers."""
    try:
        numbers = [float(each) for each in values]
    except ValueError:
        return False
    return len(numbers) > 2 and float(value) in (min(numbers), max(numbers))


def write_record(out: Path, record: SearchRecord) -> None:
    """Writes `search.json`, whole or not at all."""
    write_text(out / FILE_NAME, record.model_dump_json(indent=2) + "\n")


def read_record(out: Path) -> SearchRecord:
    """The record of a search's folder; raises RunFolderError for one that cannot be read."""
    path = out / FILE_NAME
    try:
        return SearchRecord.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        fault = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error
        raise RunFolderError(f"{path}: not a record of a search ({fault}).") from None


def begin(out: Path, record: SearchRecord) -> SearchRecord:
    """The search to continue in `out`, or this one, newly written.

    Raises RunFolderError where another search or anything else is there.
    """
    if not (out / FILE_NAME).is_file():
        if out.exists() and not out.is_dir():
            raise RunFolderError(f"{out} is a file. Give another folder with --out.")
        found = sorted(path.name for path in out.glob("[!.]*"))
        if found:
            raise RunFolderError(
                f"{out} holds other files ({found[0]}) and no {FILE_NAME}. "
                "Give an empty or new folder with --out."
            )
        write_record(out, record)
        return record
    there = read_record(out)
    old, new = there.identity, record.identity
    apart = [f"{key} {old[key]} there, {new[key]} here" for key in new if old[key] != new[key]]
    if apart:
        raise RunFolderError(
            f"{out} holds another search: {'; '.join(apart)}. "
            "Give another folder with --out, or delete this one."
        )
    return there
