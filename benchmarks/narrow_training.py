"""Every defence of the literature, fine-tuned alike on a narrow part of a set: what is forgotten?

    python benchmarks/narrow_training.py --data-root DIR --out runs/narrow     # --only NAME
    python benchmarks/narrow_training.py --data-root DIR --estimate            # how long?

Each method of narrow_training.yaml gets the same number of trials on a part of the training set;
the best of them, and the undefended model, is measured on every set; TeCoA's is also mixed with
the undefended one. Each cell is an ordinary command of zsrobust in a process of its own, on one
thread, --jobs of them at once, with its log under OUT/logs. The same command goes on where it was
stopped, and prints and writes OUT/table.md. Exit code 1 if a cell failed.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from narrow_cells import Cell, Plan, with_needs
from narrow_results import read_measured
from narrow_running import Runner
from narrow_study import load_study
from narrow_table import tables
from zsrobust.errors import InputError
from zsrobust.evaluation.asked import asked_for, missing_from
from zsrobust.records.atomic import write_text

STUDY = Path(__file__).with_suffix(".yaml")


def main() -> int:
    """Runs the cells that have not been run, prints the tables, and says whether all ended well."""
    options = _options()
    try:
        plan = _plan(options)
    except InputError as error:
        print(error)
        return error.exit_code
    cells = with_needs(plan.cells, options.only)
    if not cells:
        print(f"No cell's name contains '{options.only}'. There are:")
        print(*(cell.name for cell in plan.cells), sep="\n  ")
        return 2
    runner = Runner(options.out, options.jobs, say=_say)
    left = [cell for cell in cells if not runner.finished(cell)]
    _tell_time(left, len(cells), options.jobs, listed=options.estimate)
    if options.estimate:
        return 0
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        runner.run(left)
    except KeyboardInterrupt:
        print("Stopped. The same command goes on.")
        return 130
    text = tables(read_measured(plan), runner)
    write_text(options.out / "table.md", text)
    print(text)
    for name, reason in runner.failed.items():
        print(f"{name}: {reason}")
    print(f"{len(runner.failed)} of {len(cells)} cells failed.")
    return 1 if runner.failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Defences fine-tuned alike on a narrow set.")
    parser.add_argument("--data-root", type=Path, help="where the datasets lie")
    parser.add_argument("--out", type=Path, default=Path("runs/narrow"), help="results")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once, a thread each")
    parser.add_argument("--device", default="auto", help="as zsrobust takes it")
    parser.add_argument("--only", default="", help="the cells so named, and what they need")
    parser.add_argument("--estimate", action="store_true", help="say how long; run nothing")
    parser.add_argument("--study", type=Path, default=STUDY, help="another file of the same keys")
    options = parser.parse_args()
    if options.jobs < 1:
        parser.error(f"--jobs {options.jobs}: give at least 1.")
    return options


def _plan(options: argparse.Namespace) -> Plan:
    """The cells of the study, without the sets that are not on this disk."""
    study = load_study(options.study)
    asked = asked_for(study.evaluation.datasets)
    missing = {each.dataset for each in missing_from(asked, options.data_root)}
    if missing:
        print(f"Not on this disk, a gap in the tables: {', '.join(sorted(missing))}.")
    there = tuple(each.dataset for each in asked if each.dataset not in missing)
    return Plan(study, options.out, there, options.data_root, options.device)


def _tell_time(left: Sequence[Cell], of: int, jobs: int, *, listed: bool) -> None:
    if listed:
        print("seconds   images  cell")
        print(*(f"{cell.seconds:7.0f} {cell.images:8d}  {cell.name}" for cell in left), sep="\n")
    seconds, images = sum(cell.seconds for cell in left), sum(cell.images for cell in left)
    print(
        f"{len(left)} of {of} cells to run, {images:,} images through the models: about "
        f"{seconds / jobs / 3600:.1f} hours on {jobs} idle cores.",
        flush=True,
    )


def _say(line: str) -> None:
    print(line, flush=True)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
