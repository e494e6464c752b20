"""Saved attention arrays (`figures/attention.npz`), as a report reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from zsrobust.errors import RunError
from zsrobust.report.cells import Cell

FILE = Path("figures") / "attention.npz"


@dataclass(frozen=True)
class SavedAttention:
    """The arrays of one run, by name; `explain` says what each is."""

    cell: Cell
    arrays: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        """The array of that name."""
        return self.arrays[name]

    def __contains__(self, name: str) -> bool:
        """Whether the run saved an array of that name."""
        return name in self.arrays


def saved_attention(cells: Sequence[Cell]) -> list[SavedAttention]:
    """The saved attention of those runs that have it; raises RunError naming a damaged file."""
    found = []
    for cell in cells:
        path = cell.path / FILE
        if not path.exists():
            continue
        try:
            with np.load(path, allow_pickle=False) as file:
                found.append(SavedAttention(cell, {name: file[name] for name in file.files}))
        except (OSError, ValueError, EOFError, BadZipFile) as error:
            raise RunError(f"{path}: cannot be read ({error}). Delete it and run again.") from None
    return found
