"""Trainings of which nothing was measured yet, as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zsrobust.report.cells import Training
from zsrobust.report.templating import TEMPLATES, page_environment
from zsrobust.report.training_curves import training_curves
from zsrobust.report.training_figures import accuracy_figure, rate_figure
from zsrobust.report.training_log import read_training_log


def render_trainings(trainings: Sequence[Training]) -> str:
    """The page as HTML: loss terms, rate, accuracies over time; the same runs, the same bytes."""
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
    log, header = read_training_log(training), training.header
    attack = header.protocol.content.get("attack", {})
    return {
        "name": training.model,
        "header": header,
        "attack": attack.get("kind", "pgd"),
        "eps": attack.get("eps"),
        "trainable": header.protocol.content.get("trainable", {}).get("kind", "tower"),
        "log": log,
        "terms": training_curves(training, "Loss terms"),
        "rate": rate_figure(log) if log.steps else None,
        "accuracy": accuracy_figure(log) if log.validations else None,
    }
