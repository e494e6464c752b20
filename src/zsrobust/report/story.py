"""What a page is called and how its models are titled; everything else comes from the runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from zsrobust.report.cells import Cell, Training, in_order


@dataclass(frozen=True)
class Story:
    """Words and order for a page.

    titles: model name -> what the page calls it. order: model names, the undefended one first.
    tuned_on: model name -> datasets it was fine-tuned on. stages: name and seconds of each.
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


def story_of(cells: Sequence[Cell], trainings: Sequence[Training]) -> Story:
    """The story that the runs tell by themselves: base models first, then the trained ones."""
    tuned = {training.model: (training.header.dataset.name,) for training in trainings}
    models = in_order([cell.model for cell in cells], [])
    order = [model for model in models if model not in tuned]
    order += [model for model in models if model in tuned]
    return Story(order=order, tuned_on=tuned)
