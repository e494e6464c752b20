"""What `evaluate` prints when it is done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zsrobust.cli.printing import print_json
from zsrobust.evaluation.evaluate import Run


def print_runs(runs: Sequence[Run], out: Path, as_json: bool) -> None:
    """The runs' table, their warnings, and where they are; or their summaries as JSON."""
    if as_json:
        print_json(
            [
                {"path": run.path, "summary": run.summary and run.summary.model_dump()}
                for run in runs
            ]
        )
        return
    finished = [run.path for run in runs if run.summary is not None]
    if finished:
        from zsrobust.report.cells import read_cell
        from zsrobust.report.results_table import print_terminal

        print_terminal([read_cell(path) for path in finished])
    for run in runs:
        if run.summary is None:
            print(f"{run.path}: this shard is done; others are still to come.")
    print(f"Draw them: zsrobust report {out}")
