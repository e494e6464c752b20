"""`zsrobust report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zsrobust.cli.options import JsonOption


def report(
    folder: Annotated[Path, typer.Argument(help="A run folder, or any folder that holds runs.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="The page; default: FOLDER/report.html.")
    ] = None,
    suite: Annotated[
        list[str] | None,
        typer.Option("--suite", help="Show this suite's means in any case. May be repeated."),
    ] = None,
    published: Annotated[
        bool, typer.Option("--published", help="Put figures of papers beside, on the page.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Draw runs as one self-contained HTML page, and print their table, or a training's course."""
    from zsrobust.cli.printing import print_json
    from zsrobust.report.cells import read_cells, read_trainings
    from zsrobust.report.page import write_page
    from zsrobust.report.results_table import print_terminal
    from zsrobust.report.story import story_of
    from zsrobust.report.training_table import print_trainings

    page = write_page(folder, out, suites=suite or (), published=published)
    cells, trainings = read_cells(folder), read_trainings(folder)
    if as_json:
        print_json({"page": str(page), "runs": [str(run.path) for run in cells or trainings]})
        return
    if cells:
        print_terminal(cells, story_of(cells, trainings), suite or ())
    else:
        print_trainings(trainings)
    print(f"The page: {page}")
