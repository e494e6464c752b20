"""What one check of a finished run found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["pass", "fail", "nothing to do"]


@dataclass(frozen=True)
class Check:
    """One check: its figures, and every fault with the place where it lies.

    nothing_to_do: why there was nothing to check, else "".
    """

    name: str
    figures: Mapping[str, int | float] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    nothing_to_do: str = ""

    @property
    def verdict(self) -> Verdict:
        """`fail` where there is any fault."""
        if self.faults:
            return "fail"
        return "nothing to do" if self.nothing_to_do else "pass"
