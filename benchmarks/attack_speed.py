"""Our attacks against the packaged official ones and a release's loop: how fast, how much memory?

    python benchmarks/attack_speed.py

Needs the extra `bench`: pip install -e '.[bench]'. Both sides get the same classifier, images and
threads, each in a process of its own. Every side ends in a file under OUT/cells; the same command
goes on where it was stopped, and prints and writes OUT/table.md. Where CUDA is present, see also
gpu_throughput.py. Exit code 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from cell_files import CellFiles
from packaged_attacks import missing_packages
from speed_cells import CELLS, Cell
from speed_table import Row, table
from zsrobust.records.atomic import write_text

SIDES = ("theirs", "ours")


def main() -> int:
    """Measures what has not been measured, prints the table, and says whether every bar is met."""
    options = _options()
    cells = [cell for cell in CELLS if options.only in cell.name]
    if not cells:
        print(f"No cell's name contains '{options.only}'. There are:", *_names(CELLS), sep="\n  ")
        return 2
    if missing := missing_packages():
        print(f"Not installed: {', '.join(missing)}. Run: pip install -e '.[bench]'")
        return 2
    files = CellFiles(options.out, "speed_side.py")
    left = [cell for cell in cells if not files.measured(cell.name, SIDES)]
    minutes = sum(cell.seconds for cell in left) / 60
    print(f"{len(left)} of {len(cells)} cells to measure, about {minutes:.0f} minutes on two cores")
    print("(victims are trained first where they are missing: about 3 minutes more).", flush=True)
    for cell in left:
        print(f"{cell.name}: about {cell.seconds} s", flush=True)
        files.measure(cell.name, SIDES)
        print(table([_row(files, cell)]).splitlines()[2], flush=True)
    rows = [_row(files, cell) for cell in cells]
    text = table(rows)
    write_text(options.out / "table.md", text)
    print(text)
    missed = [row for row in rows if row.missed]
    print(f"{len(missed)} of {len(rows)} cells miss a bar.")
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time and memory of our attacks against others'.")
    parser.add_argument("--out", type=Path, default=Path("runs/attack-speed"), help="results")
    parser.add_argument("--only", default="", help="measure the cells whose name contains this")
    return parser.parse_args()


def _names(cells: Sequence[Cell]) -> list[str]:
    return [cell.name for cell in cells]


def _row(files: CellFiles, cell: Cell) -> Row:
    theirs, ours = files.read(cell.name, SIDES)
    return Row(cell, ours=ours, theirs=theirs)


if __name__ == "__main__":
    sys.exit(main())
