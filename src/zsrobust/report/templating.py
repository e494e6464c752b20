"""The Jinja environment of all pages: strict, escaped, with rates in percent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zsrobust.report.rows import interval, percent

TEMPLATES = Path(__file__).parent / "templates"


def page_environment() -> Any:
    """An environment whose templates lie in `templates/`; an undefined name is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"percent": percent, "interval": interval}
    return environment
