"""State with one row an image under attack: images leave it and others join."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, Self, TypeVar

import torch
from torch import Tensor

Part = TypeVar("Part")


@dataclass
class Rows:
    """Tensors (k, ...) and other `Rows` of the same k; all other fields are common to the rows."""

    def some(self, rows: Tensor) -> Self:
        """A copy of some rows. rows: (j,) int64."""
        parts: dict[str, Any] = {
            name: part.index_select(0, rows) for name, part in self._of(Tensor)
        }
        return replace(self, **parts, **{name: part.some(rows) for name, part in self._of(Rows)})

    def joined(self, other: Self) -> Self:
        """These rows, then those of `other`."""
        parts: dict[str, Any] = {
            name: torch.cat([part, getattr(other, name)]) for name, part in self._of(Tensor)
        }
        inner = {name: part.joined(getattr(other, name)) for name, part in self._of(Rows)}
        return replace(self, **parts, **inner)

    def put(self, rows: Tensor, other: Self) -> None:
        """Overwrites some rows. rows: (j,) int64, all different; other: j rows."""
        for name, part in self._of(Tensor):
            part[rows] = getattr(other, name)
        for name, inner in self._of(Rows):
            inner.put(rows, getattr(other, name))

    def _of(self, kind: type[Part]) -> Iterator[tuple[str, Part]]:
        for each in fields(self):
            part = getattr(self, each.name)
            if isinstance(part, kind):
                yield each.name, part
