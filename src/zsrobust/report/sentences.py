"""What the page says in words: every number comes from the cells."""

from __future__ import annotations

from collections.abc import Sequence

from zsrobust.report.cells import Cell, Training, in_order
from zsrobust.report.rows import Results
from zsrobust.report.story import Story

NORMS = {"linf": "in every pixel value (L∞)", "l2": "over the whole image (L2)"}


def what_was_done(
    cells: Sequence[Cell], trainings: Sequence[Training], results: Results, story: Story
) -> list[str]:
    """The experiment in sentences."""
    models, tasks = story.models(cells), in_order([cell.dataset for cell in cells], [])
    subject = f"{count(len(models), 'model')} answered {count(len(tasks), 'task')}"
    said = [f"{subject}, {results.counts} images each."]
    said += dict.fromkeys(_attack(cell) for cell in cells if cell.summary.by_eps)
    for training in trainings:
        header, steps = training.header, training.header.protocol.content.get("steps")
        length = f" for {steps} steps" if steps else ""
        said.append(
            f"{story.call(training.model)} is {named(story.call(header.model.name))}, "
            f"fine-tuned{length} on {header.dataset.name} (recipe {header.protocol.name})."
        )
    if not all(cell.summary.labelled for cell in cells):
        said.append(
            "Where images had no labels, the model's own clean answer took their place: the "
            "attack success rate says how many of those answers an attack overturned."
        )
    return said


def _attack(cell: Cell) -> str:
    radii = " and ".join(each.eps_text for each in cell.summary.by_eps)
    members = ", then ".join(member.name for member in cell.summary.by_eps[-1].members)
    return (
        f"Protocol {cell.header.protocol.name}: each image named right was searched by {members} "
        f"for the worst change of at most {radii} {NORMS.get(cell.summary.norm or '', '')}."
    )


def named(title: str) -> str:
    """A model's title in a sentence."""
    return f"the {title} model" if title == "undefended" else title


def count(number: int, noun: str) -> str:
    """A number with its noun, as "3 tasks"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
