"""The page's first lines: what an attack does, and what each defence keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zsrobust.report.cells import Cell, in_order
from zsrobust.report.seen_as import disagreements
from zsrobust.report.sentences import count, named
from zsrobust.report.shared_images import on_shared_images
from zsrobust.report.standing import (
    above_both,
    above_chance,
    baseline,
    comparable,
    protocols_by_weight,
)
from zsrobust.report.story import Story


@dataclass(frozen=True)
class Card:
    """A model in two numbers, percent: means over the headline's tasks, and what they mean."""

    model: str
    name: str
    clean: float
    robust: float
    said: str


@dataclass(frozen=True)
class Headline:
    """The page's first lines: what an attack does, what each defence keeps, over which tasks."""

    lead: str
    cards: tuple[Card, ...]
    scope: str


def headline(cells: Sequence[Cell], story: Story) -> Headline | None:
    """The headline of labelled, attacked runs, on the tasks that no model was tuned on.

    Over the tasks that all models share, so that their means compare. None where there are none.
    """
    shown = comparable(cells)
    tuned = {task for tasks in story.tuned_on.values() for task in tasks}
    unseen = [cell for cell in shown if cell.dataset not in tuned]
    scope = _shared(unseen) or _shared(shown)
    if not scope or scope[0].hardest is None:
        return None
    undefended = story.undefended(scope)
    ordered = [
        (model, [cell for cell in scope if cell.model == model]) for model in story.models(scope)
    ]
    base = next((its for model, its in ordered if model == undefended), None)
    cards = tuple(_card(model, its, base, cells, story) for model, its in ordered)
    first = next((card for card in cards if card.name == undefended), cards[0])
    tasks = in_order([cell.dataset for cell in scope], [])
    lead = (
        f"A change of at most {scope[0].hardest.eps_text} takes {named(first.model)} from "
        f"{first.clean:.0f} % right answers to {first.robust:.0f} %"
    )
    kept = [f"{c.model} keeps {c.robust:.0f} %" for c in cards if base and c.name != undefended]
    lead += f"; {', '.join(kept)}." if kept else "."
    scope_said = _scope(tasks, tuned, shown, len(unseen) > 0)
    said = [scope_said, _other_attacks(cells, scope, story), *_incomparable(scope, tasks)]
    return Headline(lead, cards, " ".join(filter(None, said)))


def _incomparable(scope: Sequence[Cell], tasks: Sequence[str]) -> list[str]:
    """Tasks that the models were not shown alike."""
    found = {task: disagreements([c for c in scope if c.dataset == task]) for task in tasks}
    return [f"{task}: {' '.join(said)}" for task, said in found.items() if said]


def _other_attacks(cells: Sequence[Cell], scope: Sequence[Cell], story: Story) -> str:
    """What other attacks of the same radius leave of the very images that the lead was given."""
    tasks, lead = {cell.dataset for cell in scope}, scope[0]
    models, said, attack = story.models(scope), [], scope[0].attack
    for its in protocols_by_weight(cells)[1:]:
        same = [cell for cell in its if cell.dataset in tasks and cell.model in models]
        if len(same) != len(scope) or lead.hardest is None or same[0].hardest is None:
            continue
        if same[0].summary.norm != lead.summary.norm or same[0].hardest.eps != lead.hardest.eps:
            continue
        if _incomparable([*scope, *same], sorted(tasks)):
            continue
        both = on_shared_images([*scope, *same])
        leads, others = both[: len(scope)], both[len(scope) :]
        words = f"{same[0].attack} leaves {_kept(others, models)} of the same {_images(others)}"
        if _images(others) != _images(same):
            words += f" and {_kept(same, models)} of all its {_images(same)}"
        if _images(leads) != _images(scope):
            words += f" ({attack} leaves {_kept(leads, models)} of these)"
        said.append(words + ".")
    if not said:
        return ""
    start = f"The lowest number on the same images leads: {attack}, {_images(scope)} images a task."
    return f"{start} {'In the same order, ' * (len(models) > 1)}{' '.join(said)}"


def _kept(cells: Sequence[Cell], models: Sequence[str]) -> str:
    """Mean robust accuracy of each model, as "2, 46, 52 %"."""
    means = [_mean([cell for cell in cells if cell.model == model])[1] for model in models]
    return f"{', '.join(f'{mean:.0f}' for mean in means)} %"


def _images(cells: Sequence[Cell]) -> str:
    """How many images a run has, as "150" or "12 to 150"."""
    counts = sorted({cell.summary.n for cell in cells})
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _card(
    model: str, its: list[Cell], base: list[Cell] | None, cells: Sequence[Cell], story: Story
) -> Card:
    clean, robust = _mean(its)
    standing = sum(above_chance(cell) for cell in its)
    said = f"Above chance under attack on {standing} of {count(len(its), 'task')}."
    if base is not None and model in story.tuned_on:
        against = baseline(cells, story)
        above = [cell for cell in its if above_both(cell, against)]
        cost = _mean(base)[0] - clean
        pays = f"for {cost:.0f} points of" if cost >= 0 else f"and gains {-cost:.0f} points of"
        said = (
            f"Keeps {robust:.0f} % under attack {pays} clean accuracy. Above the undefended model "
            f"and above chance, by 95 % intervals, on {len(above)} of {count(len(its), 'task')}."
        )
    collapsed = [cell.dataset for cell in its if cell.summary.collapsed]
    if collapsed:
        said += f" Collapsed on {', '.join(collapsed)}."
    return Card(story.call(model), model, clean, robust, said)


def _scope(tasks: list[str], tuned: set[str], shown: Sequence[Cell], unseen: bool) -> str:
    over = f"Means over {len(tasks)} tasks, unweighted" if len(tasks) > 1 else f"On {tasks[0]}"
    if tuned and unseen:
        over += "; no model was tuned on " + ("any of them" if len(tasks) > 1 else "it")
    elif tuned:
        over += "; a model was tuned on " + ("one of them" if len(tasks) > 1 else "it")
    left = len({cell.dataset for cell in shown} - set(tasks) - tuned)
    return over + (f"; {count(left, 'task')} that not all models share left out." if left else ".")


def _shared(cells: Sequence[Cell]) -> list[Cell]:
    """The cells of the tasks that every model among them answered."""
    models = {cell.model for cell in cells}
    return [
        cell
        for cell in cells
        if {each.model for each in cells if each.dataset == cell.dataset} == models
    ]


def _mean(cells: Sequence[Cell]) -> tuple[float, float]:
    """Unweighted means over tasks of clean and robust accuracy, in percent."""
    clean = [cell.summary.clean_accuracy.value for cell in cells if cell.summary.clean_accuracy]
    robust = [
        cell.hardest.robust_accuracy.value
        for cell in cells
        if cell.hardest and cell.hardest.robust_accuracy
    ]
    return 100 * sum(clean) / len(clean), 100 * sum(robust) / len(robust)
