"""What a page is called and how its models are titled; everything else comes from the runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath

from zsrobust.report.cells import Cell, Training, in_order


@dataclass(frozen=True)
class Story:
    """Words and order for a page.

    titles: model name -> what the page calls it. order: model names, the undefended one first.
    tuned_on: model name -> datasets it was fine-tuned on. stages: name and seconds of each.
    command: what makes the whole page again.
    """

    title: str = "Zero-shot robustness"
    titles: Mapping[str, str] = field(default_factory=dict)
    order: Sequence[str] = ()
    tuned_on: Mapping[str, Sequence[str]] = field(default_factory=dict)
    stages: Sequence[tuple[str, float]] = ()
    command: str = ""

    def call(self, model: str) -> str:
        """What the page calls a model."""
        return self.titles.get(model, model)

    def models(self, cells: Sequence[Cell]) -> list[str]:
        """The models of these runs, those of `order` first."""
        return in_order([cell.model for cell in cells], self.order)

    def undefended(self, cells: Sequence[Cell]) -> str | None:
        """The model that defences are held against: the first untuned one, if any is tuned."""
        models = self.models(cells)
        if not any(model in self.tuned_on for model in models):
            return None
        return next((model for model in models if model not in self.tuned_on), None)


def story_of(cells: Sequence[Cell], trainings: Sequence[Training]) -> Story:
    """The story that the runs tell by themselves: base models first, then the trained ones."""
    tuned: dict[str, tuple[str, ...]] = {}
    for cell in cells:
        if cell.header.model.tuned_on:
            tuned[cell.model] = cell.header.model.tuned_on
        for training in trainings:
            if _comes_from(cell, training):
                before = tuned.get(cell.model, ())
                tuned[cell.model] = tuple(dict.fromkeys([*before, training.header.dataset.name]))
    models = in_order([cell.model for cell in cells], [])
    order = [model for model in models if model not in tuned]
    order += [model for model in models if model in tuned]
    return Story(order=order, tuned_on=tuned)


def _comes_from(cell: Cell, training: Training) -> bool:
    """Whether a run measured the model of a training: by name, or by the folder of its weights."""
    source = PurePath(cell.header.model.source).parts
    return cell.model == training.model or source[-2:] == (training.model, "final")
