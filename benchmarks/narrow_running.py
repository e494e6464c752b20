"""Cells as processes: so many at once, each with a log, each run once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from narrow_cells import Best, Cell
from narrow_searches import best_trial
from zsrobust.records.atomic import write_text

PAUSE = 0.1
PATIENCE = 20.0
"""Seconds that a process has to end after SIGTERM."""


@dataclass(frozen=True)
class Running:
    """A cell's process, when it started, and what it writes."""

    process: subprocess.Popen[bytes]
    cell: Cell
    start: float
    log: Path


@dataclass
class Runner:
    """Runs cells as their needs are met, `jobs` at once, on one thread each.

    What is finished lies in `out`/cells/NAME.json with its seconds, those of attempts that were
    stopped included. say: is told what starts and ends.
    """

    out: Path
    jobs: int
    say: Callable[[str], None] = print
    failed: dict[str, str] = field(default_factory=dict)
    """Cell -> why it is not finished."""

    def finished(self, cell: Cell) -> bool:
        """Whether this very cell has ended well."""
        kept = self.kept(cell)
        return bool(kept.get("finished")) and kept["arguments"] == cell.key

    def kept(self, cell: Cell) -> dict[str, Any]:
        """What its file says: `arguments`, `seconds`, `finished`; nothing before it was run."""
        path = self._file(cell)
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def run(self, cells: Sequence[Cell]) -> None:
        """Runs what is not finished; fills `failed`. Interrupted, it stops its processes."""
        waiting = [cell for cell in cells if not self.finished(cell)]
        missing = {cell.name for cell in waiting}
        with self._processes() as running:
            while waiting or running:
                for cell in self._ready(waiting, missing, self.jobs - len(running)):
                    waiting.remove(cell)
                    running.append(self._start(cell))
                for one in [one for one in running if one.process.poll() is not None]:
                    running.remove(one)
                    if self._ended(one):
                        missing.remove(one.cell.name)
                for cell in [c for c in waiting if any(n in self.failed for n in c.needs)]:
                    waiting.remove(cell)
                    self._fail(cell, f"needs {', '.join(cell.needs)}")
                time.sleep(PAUSE)

    def _ready(self, waiting: Sequence[Cell], missing: set[str], places: int) -> list[Cell]:
        return [cell for cell in waiting if not missing & set(cell.needs)][: max(0, places)]

    @contextmanager
    def _processes(self) -> Iterator[list[Running]]:
        """The processes under way, which do not outlive the block."""
        running: list[Running] = []
        try:
            yield running
        finally:
            for one in running:
                one.process.terminate()
            for one in running:
                _wait(one.process)
                self._keep(one, finished=False)

    def _start(self, cell: Cell) -> Running:
        log = self.out / "logs" / f"{cell.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        words = [best_trial(w.folder) if isinstance(w, Best) else w for w in cell.arguments]
        command = [sys.executable, "-m", "zsrobust", *words, *cell.place]
        self.say(f"start  {cell.name}")
        with log.open("a", encoding="utf-8") as file:
            file.write(f"$ zsrobust {' '.join(command[3:])}\n")
            file.flush()
            process = subprocess.Popen(command, stdout=file, stderr=file, env=_environment())
        return Running(process, cell, time.monotonic(), log)

    def _ended(self, one: Running) -> bool:
        """Whether it ended well; keeps its seconds, or says its last words."""
        finished = one.process.returncode == 0
        seconds = self._keep(one, finished=finished)
        if finished:
            self.say(f"done   {one.cell.name}, {seconds:.0f} s")
        else:
            self._fail(one.cell, f"exit code {one.process.returncode}: {_last_words(one.log)}")
        return finished

    def _fail(self, cell: Cell, reason: str) -> None:
        self.failed[cell.name] = reason
        self.say(f"FAILED {cell.name}: {reason}")

    def _keep(self, one: Running, *, finished: bool) -> float:
        kept = self.kept(one.cell)
        before = kept["seconds"] if kept.get("arguments") == one.cell.key else 0.0
        seconds = round(before + time.monotonic() - one.start, 1)
        content = {"arguments": one.cell.key, "seconds": seconds, "finished": finished}
        write_text(self._file(one.cell), json.dumps(content, indent=1))
        return float(seconds)

    def _file(self, cell: Cell) -> Path:
        return self.out / "cells" / f"{cell.name}.json"


def _last_words(log: Path) -> str:
    """The message that a command ended with, else its last line; and where to read more."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    said = [line.strip() for line in lines if line.strip()]
    messages = [line for line in said if line.startswith("zsrobust: ")]
    return f"{[*said, *messages][-1]} ({log})"


def _environment() -> dict[str, str]:
    """One thread, and modules from the same folders as here."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
