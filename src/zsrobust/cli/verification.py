"""What `verify` prints."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from zsrobust.cli.printing import print_json
from zsrobust.verification.check import Check
from zsrobust.verification.verify import Verification

WIDTH = 80
SHOWN = 5
"""Faults printed of a check; `--json` has all."""
_NO_BREAK = "\N{NO-BREAK SPACE}"


def print_verification(found: Verification, as_json: bool) -> None:
    """The checks, each with its verdict, figures and faults; or all of it as JSON."""
    if as_json:
        checks = [vars(check) | {"verdict": check.verdict} for check in found.checks]
        print_json({"path": found.path, "passed": found.passed, "checks": checks})
        return
    print(found.path)
    for letter, check in zip("abc", found.checks, strict=True):
        print(f"({letter}) {check.name:<20}{check.verdict}")
        for line in _lines(check):
            wrapped = textwrap.fill(line, WIDTH, initial_indent="    ", subsequent_indent="    ")
            print(wrapped.replace(_NO_BREAK, " "))


def _lines(check: Check) -> Iterator[str]:
    if check.nothing_to_do:
        yield check.nothing_to_do
    if check.figures:
        yield " · ".join(_figure(name, value) for name, value in check.figures.items())
    for fault in check.faults[:SHOWN]:
        yield f"- {fault}"
    if len(check.faults) > SHOWN:
        yield f"- and {len(check.faults) - SHOWN} more"


def _figure(name: str, value: int | float) -> str:
    """A figure that no line break tears apart."""
    shown = f"{value:.3g}" if isinstance(value, float) else str(value)
    return f"{name}: {shown}".replace(" ", _NO_BREAK)
