"""The runs beneath a folder, as a report sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from zsrobust.errors import RunFolderError
from zsrobust.records.header import RunHeader, find_runs, read_header
from zsrobust.records.summary import FILE_NAME, EpsSummary, Summary, read_summary


@dataclass(frozen=True)
class Cell:
    """A finished evaluation: one model, one dataset, one protocol."""

    path: Path
    header: RunHeader
    summary: Summary

    @property
    def model(self) -> str:
        """The model's name."""
        return self.header.model.name

    @property
    def dataset(self) -> str:
        """The dataset's name."""
        return self.header.dataset.name

    @property
    def attack(self) -> str:
        """What the attack is called: `apgd-ce+t`, or PGD by its steps and what makes it weaker."""
        content = self.header.protocol.content
        name = str(content.get("attack", "none"))
        if name == "pgd":
            last = ", last iterate" if content.get("iterate") == "last" else ""
            name = f"pgd-{content.get('steps')}{last}"
        precision = content.get("precision", "fp32")
        return name if precision == "fp32" else f"{name}, {precision}"

    @property
    def hardest(self) -> EpsSummary | None:
        """The results at the largest radius, None for a run without attack."""
        return self.summary.by_eps[-1] if self.summary.by_eps else None


@dataclass(frozen=True)
class Training:
    """A training run: what was tuned, on what, by which recipe."""

    path: Path
    header: RunHeader

    @property
    def model(self) -> str:
        """The name of the model that came out."""
        return self.path.name


def read_cell(path: Path) -> Cell:
    """The finished evaluation in a run folder; raises an error naming what cannot be read."""
    return Cell(path, read_header(path), read_summary(path))


def read_cells(folder: Path) -> list[Cell]:
    """All finished evaluations beneath a folder, by path."""
    runs = ((path, read_header(path)) for path in find_runs(folder))
    return [
        Cell(path, header, read_summary(path))
        for path, header in runs
        if header.kind == "evaluate" and (path / FILE_NAME).exists()
    ]


def read_trainings(folder: Path) -> list[Training]:
    """All training runs beneath a folder, by path."""
    runs = ((path, read_header(path)) for path in find_runs(folder))
    return [Training(path, header) for path, header in runs if header.kind == "train"]


def some_cells(folder: Path) -> list[Cell]:
    """As `read_cells`; raises RunFolderError where there is none."""
    cells = read_cells(folder)
    if not cells:
        raise RunFolderError(
            f"{folder}: no finished run here. `zsrobust evaluate --out {folder}` makes one."
        )
    return cells


def in_order(names: Sequence[str], first: Sequence[str]) -> list[str]:
    """Distinct names, those of `first` in front and the rest as they come."""
    distinct = list(dict.fromkeys(names))
    return [name for name in first if name in distinct] + [
        name for name in distinct if name not in first
    ]
