"""Overfitting: how far images that are trained on lie above images held out."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot

from zsrobust.records.intervals import Interval, Rate
from zsrobust.report.training_log import PARTS, TrainingLog, Validated


@dataclass(frozen=True)
class Gap:
    """Difference of two rates with its 95 % interval: positive where trained-on images lead."""

    value: float
    interval: Interval

    @property
    def seen(self) -> bool:
        """Whether it lies above 0 with its whole interval."""
        return self.interval.low > 0


def gap_of(rates: dict[str, Rate]) -> Gap:
    """Trained-on less held-out, for two sets of different images.

    The interval is Newcombe's hybrid of the two Wilson intervals (1998, his method 10).
    """
    held_out, trained_on = (rates[part] for part in PARTS)
    value = trained_on.value - held_out.value
    down = trained_on.value - trained_on.interval.low, held_out.interval.high - held_out.value
    up = trained_on.interval.high - trained_on.value, held_out.value - held_out.interval.low
    return Gap(value, Interval(value - hypot(*down), value + hypot(*up)))


def what_the_gap_says(log: TrainingLog) -> str:
    """A sentence on the last validation: whether training images are learned by heart."""
    if not log.validations:
        return ""
    last = log.validations[-1]
    robust, clean = gap_of(last.robust), gap_of(last.clean)
    shown = [f"{_points(gap)} in {what}" for what, gap in (("clean", clean), ("robust", robust))]
    after = f"After {last.step:,} steps"
    if robust.seen or clean.seen:
        lead = [text for text, gap in zip(shown, (clean, robust), strict=True) if gap.seen]
        return (
            f"Overfitting is seen. {after}, images that are trained on lead those held out by "
            f"{' and by '.join(lead)} accuracy."
        )
    return (
        f"Overfitting is not seen. {after}, images that are trained on and those held out differ "
        f"by {' and by '.join(shown)} accuracy, which {_per_part(last)} can hide."
    )


def _points(gap: Gap) -> str:
    low, high = 100 * gap.interval.low, 100 * gap.interval.high
    return f"{_signed(100 * gap.value)} points ({_signed(low)} to {_signed(high)})"


def _signed(number: float) -> str:
    whole = round(number)
    return f"{whole:+d}".replace("-", "\N{MINUS SIGN}") if whole else "0"


def _per_part(one: Validated) -> str:
    held_out, trained_on = (one.clean[part].n for part in PARTS)
    return f"{held_out} and {trained_on} images"
