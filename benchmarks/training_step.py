"""A training step of ours against the releases': how long, how much memory, how many calls?

    python benchmarks/training_step.py                  # --only NAME ... for some cells
    python benchmarks/training_step.py --gpu            # on CUDA, at the releases' batch of 128
    python benchmarks/training_step.py --tiny           # a tiny model: does it run?

ViT-B-32 (random weights) at batch 16 with 25 prompts, and `photos-mini` at batch 128 with 200: the
releases' prompts for each image. Every objective on the whole tower, then TeCoA on every trainable
part; beside TeCoA, TGA-ZSR, PMG-AFT and FARE the step as their releases execute it, from the same
weights, images and random starts. Each side runs alone in its process and ends in a file under
OUT/cells; the same command goes on where it was stopped, and prints and writes OUT/table.md.
Exit code 1 if a bar is missed.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

from cell_files import CellFiles
from training_cells import ON_GPU, SETUPS, SMALL, Cell, Setup, cells_of
from training_table import Row, table
from zsrobust.records.atomic import write_text


def main() -> int:
    """Measures what has not been measured, prints the table, and says whether every bar is met."""
    options = _options()
    every = cells_of(_setups(options))
    cells = [cell for cell in every if cell.name.endswith(tuple(options.only))]
    if not cells:
        print(f"No cell's name ends with {' or '.join(options.only)}. There are:")
        print(*(cell.name for cell in every), sep="\n  ")
        return 2
    if importlib.util.find_spec("peft") is None:
        print("Without peft (pip install 'zsrobust[lora]') the cells of LoRA are left out.")
        cells = [cell for cell in cells if cell.case.trainable != "lora"]
    files = CellFiles(options.out, "training_side.py")
    left = [cell for cell in cells if not files.measured(cell.name, cell.sides)]
    seconds = sum(cell.seconds(side) for cell in left for side in cell.sides)
    print(
        f"{len(left)} of {len(cells)} cells to measure, about {seconds / 60:.0f} minutes on "
        f"{'a GPU' if options.gpu else 'two idle cores'}.",
        flush=True,
    )
    for cell in left:
        print(f"{cell.name}: about {sum(map(cell.seconds, cell.sides)):.0f} s", flush=True)
        files.measure(cell.name, cell.sides)
    rows = [_row(files, cell) for cell in cells]
    text = table(rows)
    write_text(options.out / "table.md", text)
    print(text)
    missed = [row for row in rows if row.missed]
    print(f"{len(missed)} of {len(rows)} cells miss a bar.")
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Training steps of ours and of the releases.")
    parser.add_argument("--out", type=Path, default=Path("runs/training-step"), help="results")
    parser.add_argument("--only", nargs="+", default=[""], help="cells whose names end so")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--gpu", action="store_true", help="ViT-B-32 at batch 128, on CUDA")
    size.add_argument("--tiny", action="store_true", help="a tiny model, for trying out")
    return parser.parse_args()


def _setups(options: argparse.Namespace) -> tuple[Setup, ...]:
    if options.tiny:
        return (SMALL,)
    return (ON_GPU,) if options.gpu else SETUPS


def _row(files: CellFiles, cell: Cell) -> Row:
    return Row(cell, dict(zip(cell.sides, files.read(cell.name, cell.sides), strict=True)))


if __name__ == "__main__":
    sys.exit(main())
