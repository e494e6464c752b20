"""What the attacker may do: a norm and a radius, and how radii are written."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

from zsrobust.errors import SettingsError
from zsrobust.registry import did_you_mean

Norm = Literal["linf", "l2"]


@dataclass(frozen=True)
class ThreatModel:
    """All images within `eps` of the clean one in `norm`, inside the box [0, 1].

    eps: a fraction of the pixel range for `linf` (1/255, not 1), a Euclidean length for `l2`.
    Raises SettingsError for an unknown norm or a negative radius, or one above 1 for `linf`.
    """

    norm: Norm
    eps: float

    def __post_init__(self) -> None:
        """Refuses what no attack can mean."""
        check_norm(self.norm)
        if not self.eps >= 0.0:
            raise SettingsError(f"eps = {self.eps} is negative. Give a radius such as 1/255.")
        if self.norm == "linf" and self.eps > 1.0:
            raise SettingsError(_too_large(str(self.eps), self.eps))

    @property
    def eps_text(self) -> str:
        """The radius as reports print it: `1/255`, or a plain number."""
        return format_eps(self.eps, self.norm)


def check_norm(norm: str) -> Norm:
    """`norm` itself if it is known; raises SettingsError otherwise."""
    known = get_args(Norm)
    if norm not in known:
        raise SettingsError(f"Unknown norm '{norm}'.{did_you_mean(norm, known)}")
    return norm  # type: ignore[return-value]


def parse_eps(value: str | float, norm: str = "linf", where: str = "eps") -> float:
    """A radius as a float, from "4/255", "0.5" or a number.

    For `linf` it is a fraction of the pixel range: a bare 4 is refused with the likely meaning.
    where: what the message calls the value ("recipe.yaml: attack.eps").

    >>> parse_eps("4/255") == 4 / 255
    True
    """
    text = str(value).strip()
    try:
        above, slash, below = text.partition("/")
        if "/" in below:
            raise ValueError
        number = float(Fraction(above) / Fraction(below)) if slash else float(text)
    except (ValueError, ZeroDivisionError, OverflowError):
        raise SettingsError(f'{where} = {text!r} is not a radius. Write it as "4/255".') from None
    if not 0.0 <= number < float("inf"):
        raise SettingsError(f"{where} = {text} is out of range. Give a radius of 0 or more.")
    if norm == "linf" and number > 1.0:
        raise SettingsError(_too_large(text, number, where))
    return number


def format_eps(eps: float, norm: str = "linf") -> str:
    """`k/255` where eps is a multiple of 1/1020 (a quarter of a grey level), else a short number.

    An L2 radius is a length: always a number.

    >>> format_eps(4 / 255), format_eps(0.5 / 255), format_eps(0.5)
    ('4/255', '0.5/255', '0.5')
    """
    levels = eps * 255
    if norm == "linf" and 0.2 < levels <= 64.5 and abs(levels * 4 - round(levels * 4)) < 1e-6:
        return f"{round(levels * 4) / 4:g}/255"
    return f"{eps:g}"


def _too_large(text: str, number: float, where: str = "eps") -> str:
    meant = f' Did you mean "{number:g}/255"?' if number <= 255 else ""
    return f"{where} = {text} exceeds 1, the whole range of a pixel.{meant}"
