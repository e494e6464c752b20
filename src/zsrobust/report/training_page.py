"""Trainings of which nothing was measured yet, as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zsrobust.report.cells import Training
from zsrobust.report.templating import TEMPLATES, page_environment
from zsrobust.report.training_curves import training_curves
from zsrobust.report.training_figures import accuracy_figure, course_figure
from zsrobust.report.training_gap import what_the_gap_says
from zsrobust.report.training_log import read_training_log
from zsrobust.report.training_words import ends, how_far, how_fast, what_was_kept, what_was_trained


def render_trainings(trainings: Sequence[Training]) -> str:
    """The page as HTML: loss terms, rates, accuracies over time; the same runs, the same bytes."""
    page: str = (
        page_environment()
        .get_template("training.html.j2")
        .render(
            css=(TEMPLATES / "page.css").read_text(encoding="utf-8"),
            trainings=[_shown(each) for each in trainings],
        )
    )
    return page.replace(" %", "\N{NO-BREAK SPACE}%")


def _shown(training: Training) -> dict[str, Any]:
    log = read_training_log(training)
    return {
        "name": training.model,
        "header": training.header,
        "steps": how_far(training, log),
        "trained": what_was_trained(training),
        "kept": what_was_kept(log),
        "gap": what_the_gap_says(log),
        "fast": how_fast(log),
        "log": log,
        "ends": {name: ends(values) for name, values in log.terms.items()},
        "terms": training_curves(training, ""),
        "course": course_figure(log) if len(log.steps) else None,
        "accuracy": accuracy_figure(log) if log.validations else None,
    }
