"""The measured table of a model card, in Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from zsrobust.records.intervals import Rate
from zsrobust.report.cells import Cell
from zsrobust.report.results import results
from zsrobust.report.rows import Row, interval, percent
from zsrobust.report.story import story_of

TITLES = ("set", "images", "n", "size", "clean %", "attack", "eps", "robust %", "chance %", "said")


def card_table(cells: Sequence[Cell]) -> str:
    """The runs of one model as a Markdown table, a line a set, radius and attack, and its notes.

    Each rate has its 95 % interval. Below stand the known faults of the labels, by letter, and the
    warnings of the runs, by number. Empty where there is no run.
    """
    if not cells:
        return ""
    table = results(cells, story_of(cells, ()))
    lines = [_line(TITLES), _line("---" for _ in TITLES)]
    for row in table.rows:
        lines += [_line(entry) for entry in _entries(row, table.mark_of(row.task))]
    notes = [f"[{one.mark}] {one.text}" for one in table.about]
    notes += [f"[{number}] {note}" for number, note in enumerate(table.notes, start=1)]
    return "\n".join(lines) + "\n" + "".join(f"\n- {note}" for note in notes) + "\n" * bool(notes)


def _entries(row: Row, mark: str) -> Iterator[Sequence[str]]:
    """A line an attack, or one for a clean run; sets without labels have no accuracy."""
    if not row.labelled:
        return
    name = f"{row.task} [{mark}]" if mark else row.task
    chance = "" if row.chance is None else f"{100 * row.chance:.0f}"
    for one in row.attacked or (None,):
        attacked = ("–", "–", "–") if one is None else (one.attack, row.eps, _rate(one.rate))
        count = str(row.n if one is None else one.n)
        yield (name, row.images, count, row.size, _rate(row.clean), *attacked, chance, _said(row))


def _said(row: Row) -> str:
    said = ["collapsed"] * row.collapsed + ["tuned on"] * row.tuned
    if row.seen is not None:
        said.append(f"{100 * row.seen:.0f} % of the classes are in the fine-tuning set")
    return " ".join([", ".join(said), *(f"[{mark}]" for mark in row.marks)]).strip()


def _rate(rate: Rate | None) -> str:
    return percent(rate) if rate is None else f"{percent(rate)} ({interval(rate)})"


def _line(entries: Sequence[str] | Iterator[str]) -> str:
    return f"| {' | '.join(entry.replace('|', '/') for entry in entries)} |"
