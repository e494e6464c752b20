"""What has to be said of the means over a suite: what is missing, and what does not compare."""

from __future__ import annotations

from collections.abc import Iterator

from zsrobust.data.suites import Suite
from zsrobust.report.cells import Cell, in_order
from zsrobust.report.seen_as import seen_as, size_text
from zsrobust.report.story import Story


def suite_notes(
    suite: Suite, cells: list[Cell], everything: list[Cell], story: Story
) -> Iterator[str]:
    """The sentences beside the means of a suite under one protocol, none where all is in order.

    cells: the runs of its members under that protocol. everything: those under any.
    """
    names = [each.dataset for each in suite.members]
    present = in_order([cell.dataset for cell in cells], names)
    yield from _missing(cells, names, story)
    yield from _different_views(cells, present)
    yield from _not_official(cells, present)
    yield from _tuned(cells, present, story)
    yield from _at_chance(cells, present, story)
    yield from _other_sizes(cells, everything)


def _missing(cells: list[Cell], names: list[str], story: Story) -> Iterator[str]:
    sets = {m: {c.dataset for c in cells if c.model == m} for m in story.models(cells)}
    if len(set(map(frozenset, sets.values()))) > 1:
        yield "Not comparable: the models' means are over different sets."
    for model, has in sets.items():
        left = [name for name in names if name not in has]
        if left:
            yield (
                f"{story.call(model)}: {len(has)} of {len(names)} sets; missing: {', '.join(left)}."
            )


def _not_official(cells: list[Cell], present: list[str]) -> Iterator[str]:
    variants = [
        f"{name} ({variant})"
        for name in present
        for variant in dict.fromkeys(c.header.dataset.variant for c in cells if c.dataset == name)
        if variant in ("miniature", "user")
    ]
    if variants:
        yield f"Not the official images: {', '.join(variants)}."


def _different_views(cells: list[Cell], present: list[str]) -> Iterator[str]:
    """Sets that the models did not see alike: their means do not compare."""
    for name in present:
        its = [cell for cell in cells if cell.dataset == name]
        sizes = dict.fromkeys(size_text(cell.header.dataset.resolution) for cell in its)
        if len({seen_as(cell) for cell in its}) > 1:
            how = f"at {' and at '.join(sizes)}" if len(sizes) > 1 else "with other prompts"
            yield f"Not comparable: {name} was seen {how} by different models."
        if len({cell.header.dataset.hash for cell in its}) > 1:
            counts = sorted({cell.summary.n for cell in its})
            yield (
                f"Not comparable: {name} was judged on other images by different models "
                f"(n = {', '.join(map(str, counts))})."
            )


def _other_sizes(cells: list[Cell], everything: list[Cell]) -> Iterator[str]:
    """Protocols beside this one under which sets were seen at another size."""
    here = {cell.dataset: cell.header.dataset.resolution for cell in cells}
    others: dict[str, list[str]] = {}
    for cell in everything:
        size = cell.header.dataset.resolution
        if here.get(cell.dataset) not in (None, size) and size is not None:
            sets = others.setdefault(cell.header.protocol.name, [])
            there = f"{cell.dataset} ({size_text(here[cell.dataset])}, {size_text(size)} there)"
            if there not in sets:
                sets.append(there)
    for name, sets in others.items():
        yield f"Not comparable with {name}: {', '.join(sets)}."


def _tuned(cells: list[Cell], present: list[str], story: Story) -> Iterator[str]:
    for model in story.models(cells):
        tuned = [name for name in present if name in story.tuned_on.get(model, ())]
        if tuned:
            yield (
                f"{story.call(model)} was tuned on {', '.join(tuned)}, which is in the mean as "
                "published; the mean without it stands beside."
            )


def _at_chance(cells: list[Cell], present: list[str], story: Story) -> Iterator[str]:
    """Sets on which a model is at chance without any attack: nothing can be lost there."""
    undefended = story.undefended(cells)
    for model in story.models(cells):
        low = {cell.dataset for cell in cells if cell.model == model and not _above_chance(cell)}
        if low:
            shown = ", ".join(name for name in present if name in low)
            who = f"{story.call(model)}{' (undefended)' if model == undefended else ''}"
            yield f"{who} is not above chance when clean on {shown}: in the mean all the same."


def _above_chance(cell: Cell) -> bool:
    clean, chance = cell.summary.clean_accuracy, cell.summary.chance
    return clean is not None and chance is not None and clean.interval.low > chance
