"""Rates as dots on a line, beside the numbers: small inline SVG that stretches with its cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT, MIDDLE = 20, 10


@dataclass(frozen=True)
class Dot:
    """A value with its 95 % interval, in the units of the strip; hollow or filled."""

    value: float
    low: float
    high: float
    filled: bool = True


def strip(dots: Sequence[Dot], colour: str, top: float = 100.0, tick: float | None = None) -> str:
    """A strip from 0 to `top` as an `<svg>` element, its first dots beneath the later ones.

    tick: where a thin upright line stands (chance, or what a uniform map would score).
    """
    parts = [f'<line class="rail" x1="0" x2="100%" y1="{MIDDLE}" y2="{MIDDLE}"/>']
    if tick is not None:
        place = _share(tick, top)
        parts.append(f'<line class="tick" x1="{place}" x2="{place}" y1="1" y2="{HEIGHT - 1}"/>')
    for dot in dots:
        low, high = _share(dot.low, top), _share(dot.high, top)
        parts.append(
            f'<line class="range" x1="{low}" x2="{high}" y1="{MIDDLE}" y2="{MIDDLE}" '
            f'stroke="{colour}"/>'
        )
    for dot in dots:
        fill = colour if dot.filled else "#fff"
        parts.append(
            f'<circle cx="{_share(dot.value, top)}" cy="{MIDDLE}" r="4.2" fill="{fill}" '
            f'stroke="{colour}"/>'
        )
    inner = "".join(parts)
    return f'<svg class="strip" width="100%" height="{HEIGHT}" aria-hidden="true">{inner}</svg>'


def _share(value: float, top: float) -> str:
    """A place on the strip; what lies outside stands at its end."""
    return f"{100 * min(max(value / top, 0.0), 1.0):.2f}%"
