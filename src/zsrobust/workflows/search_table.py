"""A search as a table: a row a trial, from the best score down, and what may be read from it."""

from __future__ import annotations

from zsrobust.records.intervals import Rate, rate
from zsrobust.workflows.search_record import SearchRecord, Trial


def table_rows(record: SearchRecord) -> list[dict[str, str]]:
    """Column -> text, a trial a row; rates in percent with their 95 % intervals."""
    return [_row(trial, trial.folder == record.best) for trial in record.ranked]


def table_words(record: SearchRecord) -> str:
    """What stands under the table: how much its differences can mean."""
    images, attack = record.validation, record.protocol
    half = rate(record.n // 2, record.n).interval
    said = (
        f"n = {record.n} images of {images.name}, split {images.split}; chance "
        f"{100 * record.chance:.1f} %; robust under {attack.name} at {attack.content['eps'][0]}. "
        "Score: the mean of clean and robust. In brackets 95 % intervals (Wilson), up to "
        f"{50 * (half.high - half.low):.1f} points to either side at this n: trials whose "
        "intervals overlap are not told apart."
    )
    best, *others = record.ranked
    apart = sum(not _overlap(best, other) for other in others if other.score is not None)
    if others:
        said += f" Told apart from the best: {apart} of {len(others)}."
    for place, value in record.at_edges.items():
        last = place.rpartition(".")[2]
        said += f" {last} = {value} is at an end of its grid: a wider one may hold better."
    return said


def trial_words(record: SearchRecord, trial: Trial) -> str:
    """One line about a trial that has just ended."""
    place = f"trial {len(record.trials) - record.to_come}/{len(record.trials)} {trial.name}"
    if trial.state == "diverged":
        return f"{place} diverged: {trial.said}"
    return f"{place}: clean {_rate(trial.clean)} %, robust {_rate(trial.robust)} %"


def _row(trial: Trial, best: bool) -> dict[str, str]:
    remark = "best" if best else ""
    if trial.state == "diverged":
        remark = "diverged"
    elif trial.collapsed:
        remark = f"{remark} collapsed".strip()
    return {
        "values": trial.choice,
        "clean %": _rate(trial.clean),
        "robust %": _rate(trial.robust),
        "score": "–" if trial.score is None else f"{100 * trial.score:.1f}",
        "steps": "–" if trial.steps is None else str(trial.steps),
        "": remark,
    }


def _rate(rate: Rate | None) -> str:
    if rate is None:
        return "–"
    low, high = (100 * end for end in (rate.interval.low, rate.interval.high))
    return f"{100 * rate.value:.1f} ({low:.0f}–{high:.0f})"


def _overlap(one: Trial, other: Trial) -> bool:
    """Whether neither clean nor robust accuracy tells two trials apart."""
    pairs = ((one.clean, other.clean), (one.robust, other.robust))
    return all(
        a is not None
        and b is not None
        and a.interval.low <= b.interval.high
        and b.interval.low <= a.interval.high
        for a, b in pairs
    )
