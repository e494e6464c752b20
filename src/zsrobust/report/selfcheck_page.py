"""A self-check as one self-contained HTML page: no script, nothing fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zsrobust.records.atomic import write_text
from zsrobust.report.selfcheck_figure import attacks_figure, curve_figure
from zsrobust.report.selfcheck_words import QUESTIONS, effort, p_value, subject
from zsrobust.report.templating import TEMPLATES, page_environment
from zsrobust.selfcheck.names import TITLES
from zsrobust.selfcheck.result import SelfCheck

FILE = "selfcheck.html"
TAGS = {"fine": "good", "open": "", "note": "", "warning": "bad", "invalid": "bad"}


def write_selfcheck(folder: Path, result: SelfCheck) -> Path:
    """Writes `folder/selfcheck.html`, whole or not at all; returns its path."""
    path = folder / FILE
    write_text(path, render_selfcheck(result))
    return path


def render_selfcheck(result: SelfCheck) -> str:
    """The page as HTML; the same self-check gives the same bytes."""
    verdict, _, reason = result.verdict.line.partition(": ")
    page: str = _template().render(
        result=result,
        css=(TEMPLATES / "page.css").read_text(encoding="utf-8"),
        subject=subject(result),
        effort=effort(result),
        verdict=_capital(verdict),
        reason=_capital(reason),
        curve=curve_figure(result),
        attacks=attacks_figure(result),
        questions=QUESTIONS,
        tags=TAGS,
        trials=[(TITLES.get(each.name, each.name), each) for each in result.looks],
    )
    return page.replace(" %", "\N{NO-BREAK SPACE}%")


def _template() -> Any:
    environment = page_environment()
    environment.filters["p_value"] = p_value
    return environment.get_template("selfcheck.html.j2")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
