"""How long a step is: a share of the radius, or an absolute length."""

from __future__ import annotations

import math

from zsrobust.errors import SettingsError
from zsrobust.threat_model import parse_eps


def step_length(step_size: str, eps: float) -> float:
    """A step size as a number: `"eps/4"`, `"eps"` or `"2*eps"` of the radius, or absolute.

    >>> step_length("eps/4", 0.5)
    0.125
    """
    text = str(step_size).replace(" ", "")
    try:
        if not 0 < _length(text, 1.0) < math.inf:
            raise SettingsError(f"step_size = {step_size!r}: a step must be longer than 0.")
        return _length(text, eps)
    except (ValueError, ZeroDivisionError):
        raise SettingsError(f'step_size = {step_size!r}: write "eps/4" or "1/255".') from None


def _length(text: str, eps: float) -> float:
    if text == "eps":
        return eps
    if text.startswith("eps/"):
        return eps / float(text[4:])
    if text.endswith("*eps"):
        return eps * float(text[:-4])
    return parse_eps(text, where="step_size")
