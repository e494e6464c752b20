"""`zsrobust quickstart`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zsrobust.cli.options import DeviceOption


def quickstart(
    out: Annotated[Path, typer.Option("--out", help="Folder for runs and the page.")] = Path(
        "runs/quickstart"
    ),
    device: DeviceOption = "auto",
) -> None:
    """Attack a small CLIP, defend it with TeCoA and TGA-ZSR, measure both, write a page.

    Needs no network and no data; eight to nine minutes on two CPU cores.
    """
    from zsrobust.report.cells import read_cell
    from zsrobust.report.results_table import print_terminal
    from zsrobust.workflows.quickstart import quickstart as run

    result = run(out, device=device)
    print_terminal([read_cell(each.path) for each in result.runs])
    total = sum(seconds for _, seconds in result.times)
    print(f"Finished in {total / 60:.1f} minutes. The page: {result.page}")
