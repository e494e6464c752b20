"""One self-contained HTML page from a folder of runs: no script, nothing fetched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any

from zsrobust.records.atomic import write_text
from zsrobust.records.header import RunHeader
from zsrobust.report.attention import saved_attention
from zsrobust.report.attention_figure import attention_figure
from zsrobust.report.attention_movement import movements
from zsrobust.report.cells import Cell, Training, read_cells, read_trainings, some_cells
from zsrobust.report.drawing import colours, inline
from zsrobust.report.headline import headline
from zsrobust.report.published import published_beside
from zsrobust.report.results import results
from zsrobust.report.rows import Row
from zsrobust.report.sentences import what_was_done
from zsrobust.report.story import Story, story_of
from zsrobust.report.strips import Dot, strip
from zsrobust.report.suite_means import suite_tables
from zsrobust.report.templating import TEMPLATES, page_environment
from zsrobust.report.trade_off import trade_off
from zsrobust.report.training_curves import training_curves
from zsrobust.report.training_page import render_trainings


def write_page(
    folder: Path,
    out: Path | None = None,
    story: Story | None = None,
    *,
    suites: Sequence[str] = (),
    published: bool = False,
) -> Path:
    """Writes the page of all runs beneath `folder`; returns its path (default: report.html there).

    story: titles and order; by default what the runs tell by themselves. suites: whose means to
    show in any case. published: with figures of papers beside, each under its own protocol.
    Sections without data are left out; trainings alone give a page of their own. Raises
    RunFolderError where no run has finished, RunError for a damaged file.
    """
    path = out or folder / "report.html"
    write_text(path, render(folder, story, suites=suites, published=published))
    return path


def render(
    folder: Path,
    story: Story | None = None,
    *,
    suites: Sequence[str] = (),
    published: bool = False,
) -> str:
    """The page as HTML; the same runs give the same bytes."""
    trainings = read_trainings(folder)
    if trainings and not read_cells(folder):
        return render_trainings(trainings)
    cells = some_cells(folder)
    told = story or story_of(cells, trainings)
    models, table = told.models(cells), results(cells, told)
    attention = saved_attention(cells)
    attention.sort(key=lambda one: models.index(one.cell.model))
    page: str = _template().render(
        story=told,
        css=(TEMPLATES / "page.css").read_text(encoding="utf-8"),
        colour=colours(models),
        headline=headline(cells, told),
        done=what_was_done(cells, trainings, table, told),
        results=table,
        suites=suite_tables(cells, told, suites),
        published=published_beside(cells, told) if published else (),
        trade_off=trade_off(cells, told),
        figures=[
            (told.call(one.cell.model), one.cell, inline(attention_figure(one)))
            for one in attention
        ],
        movements=movements(attention, told),
        curves=_curves(trainings, told),
        facts=_facts(cells, told),
        variants=sorted({(cell.dataset, cell.header.dataset.variant) for cell in cells}),
        bundled=any(
            map(_bundled, [each.header for each in cells] + [each.header for each in trainings])
        ),
        commands=_commands(cells, trainings, told),
        total=sum(seconds for _, seconds in told.stages),
    )
    return page.replace(" %", "\N{NO-BREAK SPACE}%")


def _template() -> Any:
    environment = page_environment()
    environment.globals |= {"row_strip": _row_strip, "mean_strip": _mean_strip}
    return environment.get_template("page.html.j2")


def _row_strip(row: Row, colour: str) -> str:
    """Clean hollow and attacked filled, on one line from 0 to 100, chance as a tick."""
    lead = row.lead.rate if row.lead else None
    dots = [
        Dot(100 * rate.value, 100 * rate.interval.low, 100 * rate.interval.high, filled)
        for rate, filled in ((row.clean, False), (lead, True))
        if rate is not None
    ]
    return strip(dots, colour, tick=None if row.chance is None else 100 * row.chance)


def _mean_strip(means: Sequence[tuple[Any, bool]], colour: str, top: float, tick: Any) -> str:
    return strip([mean.dot(filled) for mean, filled in means], colour, top, tick)


def _curves(trainings: Sequence[Training], story: Story) -> list[str]:
    drawn = (training_curves(each, story.call(each.model)) for each in trainings)
    return [curve for curve in drawn if curve is not None]


def _facts(cells: Sequence[Cell], story: Story) -> dict[str, Any]:
    """What was measured with, each distinct value once."""
    headers = [cell.header for cell in cells]
    versions = {name: version for header in headers for name, version in header.versions.items()}
    return {
        "seed": _distinct(header.seed for header in headers),
        "device": _distinct(header.device for header in headers),
        "threads": _distinct(header.threads for header in headers),
        "versions": versions,
        "protocols": list(dict.fromkeys((h.protocol.name, h.protocol.hash) for h in headers)),
        "models": list(dict.fromkeys((story.call(h.model.name), h.model.hash) for h in headers)),
        "datasets": list(dict.fromkeys((h.dataset.name, h.dataset.hash) for h in headers)),
    }


def _bundled(header: RunHeader) -> bool:
    """Whether a run starts from weights that ship with the package."""
    return PurePath(header.model.source).parts[-3:-1] == ("models", "weights")


def _distinct(values: Any) -> str:
    return ", ".join(dict.fromkeys(str(value) for value in values))


def _commands(cells: Sequence[Cell], trainings: Sequence[Training], story: Story) -> list[str]:
    if story.command:
        return [story.command]
    commands = [each.header.command for each in trainings] + [c.header.command for c in cells]
    return list(dict.fromkeys(commands))
