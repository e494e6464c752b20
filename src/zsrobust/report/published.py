"""Figures of papers beside ours: as printed, with their protocol, never as if measured here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from zsrobust.records.intervals import Rate
from zsrobust.report.cells import Cell, in_order
from zsrobust.report.story import Story
from zsrobust.settings import StrictModel, entry_names, parse, read_yaml
from zsrobust.threat_model import parse_eps

TABLES = Path(__file__).parent / "published"


class PublishedTable(StrictModel):
    """A table as a paper prints it, in percent: one YAML in `report/published/`.

    metric, eps: what is measured. attack, protocol, model: how, in words. methods: the columns.
    figures: dataset -> a value a method. printed_mean: the paper's own mean of each method, over
    the sets of `mean_of`. note: what does not fit together in print.
    """

    source: str
    table: str
    metric: Literal["clean", "robust"]
    eps: str | None = None
    attack: str
    protocol: str
    model: str
    mean_of: str
    note: str = ""
    methods: list[str] = Field(min_length=1)
    printed_mean: list[float | None]
    figures: dict[str, list[float | None]] = Field(min_length=1)

    def shown(self, value: float | None) -> str:
        """A value with as many decimals as the paper prints; a dash for none."""
        every = [each for values in self.figures.values() for each in values if each is not None]
        places = max(len(f"{each}".partition(".")[2]) for each in every)
        return "–" if value is None else f"{value:.{places}f}"

    @model_validator(mode="after")
    def _is_a_table(self) -> PublishedTable:
        for name, values in {**self.figures, "printed_mean": self.printed_mean}.items():
            if len(values) != len(self.methods):
                raise ValueError(f"{name}: {len(values)} values for {len(self.methods)} methods")
        return self


@dataclass(frozen=True)
class Beside:
    """A published table cut to the sets at hand, and what was measured here on them.

    models: (name, title) of those measured. ours: dataset -> a rate a model, None where it was not.
    """

    table: PublishedTable
    models: tuple[tuple[str, str], ...]
    ours: dict[str, tuple[Rate | None, ...]]


def published_tables() -> list[PublishedTable]:
    """The tables that ship; raises SettingsError for one that is none."""
    names = entry_names(TABLES)
    return [parse(PublishedTable, read_yaml(TABLES / f"{n}.yaml"), f"{n}.yaml") for n in names]


def published_beside(cells: Sequence[Cell], story: Story) -> list[Beside]:
    """The published tables that share a set with these runs, and its eps where it has one.

    Ours under attack is the lowest robust accuracy at that eps, whatever the protocol.
    """
    labelled = [cell for cell in cells if cell.summary.labelled]
    models = story.models(labelled)
    found = []
    for table in published_tables():
        names = in_order(
            [c.dataset for c in labelled if c.dataset in table.figures], list(table.figures)
        )
        ours = {
            name: tuple(_ours(labelled, name, model, table) for model in models) for name in names
        }
        ours = {name: rates for name, rates in ours.items() if any(rates)}
        if ours:
            found.append(Beside(table, tuple((m, story.call(m)) for m in models), ours))
    return found


def _ours(cells: Sequence[Cell], dataset: str, model: str, table: PublishedTable) -> Rate | None:
    its = [cell for cell in cells if (cell.dataset, cell.model) == (dataset, model)]
    if table.eps is None:
        rates = [cell.summary.clean_accuracy for cell in its]
        return max((rate for rate in rates if rate), key=lambda rate: rate.n, default=None)
    radius = parse_eps(table.eps)
    left = [
        at.robust_accuracy
        for cell in its
        if cell.summary.norm == "linf"
        for at in cell.summary.by_eps
        if abs(at.eps - radius) < 1e-9 and at.robust_accuracy
    ]
    return min(left, key=lambda rate: rate.value, default=None)
