"""Our attacks against the packaged official ones: who breaks which images?

    python benchmarks/attack_strength.py --data-root DIR

Needs the extra `bench`: pip install -e '.[bench]'. Both sides get the same classifier, images and
threads. Each cell of the matrix (strength_cells.py) ends in a file under --out, and the same
command goes on where it was stopped. Exit code 1 if ours is weaker anywhere beyond the allowance.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import torch

from packaged_attacks import missing_packages
from strength_cells import FULL, STANDARD, Cell, matrix
from strength_counting import Outcome, count
from strength_estimate import calibrate
from strength_running import read, run_cell, save
from strength_table import LEGEND, heading, line, markdown
from victims import SOURCES, Victim, load_victim
from zsrobust.data.catalogue import load_dataset
from zsrobust.errors import DataError
from zsrobust.records.atomic import write_text


def main() -> int:
    """Runs what has not been run, prints the table, and says whether every bar is met."""
    options = _options()
    if not options.report and (missing := missing_packages()):
        print(f"Not installed: {', '.join(missing)}. Run: pip install -e '.[bench]'")
        return 2
    torch.set_num_threads(options.threads or torch.get_num_threads())
    everything = matrix(FULL if options.full else STANDARD)
    if not options.report:
        cells = [cell for cell in everything if options.only in cell.name]
        cells = _at_hand(cells, options.data_root)
        cells = [cell for cell in cells if not _outcome(options.out, cell)]
        victims = cache(lambda name: load_victim(name, options.out / "victims", options.data_root))
        _run(cells, options.out, victims)
    return _tell(everything, options.out)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Our attacks against pyautoattack's and foolbox's, image by image.",
    )
    parser.add_argument("--out", type=Path, default=Path("runs/attack-strength"), help="results")
    parser.add_argument(
        "--data-root", type=Path, help="where tinyimagenet lies; else it is skipped"
    )
    parser.add_argument("--only", default="", help="run the cells whose name contains this")
    parser.add_argument("--report", action="store_true", help="run nothing: print what is there")
    parser.add_argument("--threads", type=int, help="torch's threads, for both sides")
    parser.add_argument(
        "--full",
        action="store_true",
        help=f"the large matrix: {FULL.strong} images, {FULL.seeds} seeds for apgd-ce+t and pgd; "
        f"{FULL.suite} images for the rest; photographs in both norms; many hours",
    )
    return parser.parse_args()


def _at_hand(cells: Sequence[Cell], data_root: Path | None) -> list[Cell]:
    """The cells whose images can be read; one line says what is skipped and why."""
    outside = [cell for cell in cells if SOURCES[cell.victim].needs_data]
    try:
        for task in {SOURCES[cell.victim].task for cell in outside}:
            load_dataset(task, data_root=data_root)
    except DataError as error:
        print(f"Skipped: {len(outside)} cells of {outside[0].victim} and its like. {error}")
        return [cell for cell in cells if cell not in outside]
    return list(cells)


def _run(cells: Sequence[Cell], out: Path, victims: Callable[[str], Victim]) -> None:
    """Says how long the cells will take, then runs them one by one."""
    if not cells:
        return
    print("Making or reading the victims, and measuring their speed ...", flush=True)
    names = dict.fromkeys(cell.victim for cell in cells)
    rates = {name: calibrate(victims(name)) for name in names}
    seconds = [rates[cell.victim].seconds(cell) for cell in cells]
    print(
        f"{len(cells)} cells on {torch.get_num_threads()} threads: "
        f"about {sum(seconds) / 60:.0f} minutes.\n{heading()}",
        flush=True,
    )
    for cell in cells:
        outcome = run_cell(cell, victims(cell.victim))
        save(_file(out, cell), cell, _eps(cell), outcome)
        print(line(cell, outcome), flush=True)


def _tell(cells: Sequence[Cell], out: Path) -> int:
    """Prints the table of all cells there are, writes it as Markdown, and sums up."""
    results = [(cell, outcome) for cell in cells if (outcome := _outcome(out, cell))]
    if not results:
        print(f"{out}: no results yet.")
        return 2
    print("\n".join(["", LEGEND, heading(), *(line(*result) for result in results)]))
    rows = [(cell, _eps(cell), outcome) for cell, outcome in results]
    write_text(out / "table.md", markdown(rows))
    missed = [cell.name for cell, outcome in results if not count(outcome).holds]
    print(f"\n{len(results)} of {len(cells)} cells; {out / 'table.md'}")
    print(f"Missed: {', '.join(missed)}." if missed else "Ours is nowhere weaker than allowed.")
    return 1 if missed else 0


def _eps(cell: Cell) -> str:
    return SOURCES[cell.victim].radii[cell.norm]


def _outcome(out: Path, cell: Cell) -> Outcome | None:
    return read(_file(out, cell), _eps(cell))


def _file(out: Path, cell: Cell) -> Path:
    return out / "cells" / f"{cell.name}.json"


if __name__ == "__main__":
    sys.exit(main())
