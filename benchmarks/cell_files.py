"""Sides of cells: each measured alone in a process of its own, each ending in a file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class CellFiles:
    """What has been measured lies in `out`/cells/CELL--SIDE.json.

    script: called with cell, side and file; it measures that side and writes the file.
    """

    out: Path
    script: str

    def path(self, cell: str, side: str) -> Path:
        """Where a side is kept."""
        return self.out / "cells" / f"{cell}--{side}.json"

    def measured(self, cell: str, sides: Iterable[str]) -> bool:
        """Whether all of these sides have been measured."""
        return all(self.path(cell, side).exists() for side in sides)

    def measure(self, cell: str, sides: Iterable[str]) -> None:
        """Measures those of the sides that have not been."""
        script = str(Path(__file__).with_name(self.script))
        for side in sides:
            path = self.path(cell, side)
            if not path.exists():
                subprocess.run([sys.executable, script, cell, side, str(path)], check=True)

    def read(self, cell: str, sides: Sequence[str]) -> list[dict[str, Any]]:
        """What the sides' processes wrote, in their order."""
        return [json.loads(self.path(cell, side).read_text()) for side in sides]
