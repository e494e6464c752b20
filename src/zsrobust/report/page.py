"""One self-contained HTML page from a folder of runs: no script, nothing fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zsrobust.records.atomic import write_text
from zsrobust.report.attention import saved_attention
from zsrobust.report.attention_figure import attention_figure
from zsrobust.report.attention_movement import movements
from zsrobust.report.cells import Cell, read_trainings, some_cells
from zsrobust.report.results_table import rows
from zsrobust.report.sentences import headline
from zsrobust.report.story import Story, story_of
from zsrobust.report.trade_off import trade_off
from zsrobust.report.training_curves import training_curves

TEMPLATES = Path(__file__).parent / "templates"


def write_page(folder: Path, out: Path | None = None, story: Story | None = None) -> Path:
    """Writes the page of all runs beneath `folder`; returns its path (default: report.html there).

    story: titles and order; by default what the runs tell by themselves. Sections without data
    are left out. Raises RunFolderError where no run has finished, RunError for a damaged file.
    """
    path = out or folder / "report.html"
    write_text(path, render(folder, story))
    return path


def render(folder: Path, story: Story | None = None) -> str:
    """The page as HTML."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    cells, trainings = some_cells(folder), read_trainings(folder)
    told = story or story_of(cells, trainings)
    attention = saved_attention(cells)
    moved = movements(attention, told)
    order = {model: i for i, model in enumerate(told.order)}
    attention.sort(key=lambda one: order.get(one.cell.model, len(order)))
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("page.html.j2").render(
        story=told,
        css=(TEMPLATES / "page.css").read_text(encoding="utf-8"),
        headline=headline(cells, told),
        rows=rows(cells, told),
        trade_off=trade_off(cells, told),
        figures=[(told.call(one.cell.model), one.cell, attention_figure(one)) for one in attention],
        movements=moved,
        curves=_curves(trainings, told),
        facts=_facts(cells),
        notes=_notes(cells),
        commands=_commands(cells, trainings, told),
        total=sum(seconds for _, seconds in told.stages),
    )


def _curves(trainings: list[Any], story: Story) -> list[str]:
    drawn = (training_curves(each, story.call(each.model)) for each in trainings)
    return [curve for curve in drawn if curve is not None]


def _facts(cells: list[Cell]) -> dict[str, Any]:
    """What was measured with: said once if all runs agree."""
    header = cells[0].header
    return {
        "models": len({cell.model for cell in cells}),
        "tasks": len({cell.dataset for cell in cells}),
        "images": sorted({cell.summary.n for cell in cells}),
        "versions": header.versions,
        "device": header.device,
        "threads": header.threads,
        "seed": header.seed,
        "protocols": sorted({(c.header.protocol.name, c.header.protocol.hash) for c in cells}),
        "hashes": sorted({(c.model, c.header.model.hash) for c in cells}),
    }


def _notes(cells: list[Cell]) -> list[tuple[str, str]]:
    said = [(cell.dataset, note) for cell in cells for note in cell.header.dataset.notes]
    said += [(cell.model, warning) for cell in cells for warning in cell.header.warnings]
    return list(dict.fromkeys(said))


def _commands(cells: list[Cell], trainings: list[Any], story: Story) -> list[str]:
    if story.command:
        return [story.command]
    commands = [each.header.command for each in trainings] + [c.header.command for c in cells]
    return list(dict.fromkeys(commands))
