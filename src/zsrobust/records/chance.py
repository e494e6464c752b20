"""What a constant answer scores, and whether a model does better.

A constant answer is never overturned, so robustness means something only above it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from zsrobust.errors import InputError
from zsrobust.records.intervals import Rate

COLLAPSED_SHARE = 0.9


def largest_share(classes: Sequence[int]) -> tuple[int, float]:
    """The most frequent class (the smaller number on a tie) and its share, in (0, 1]."""
    if not classes:
        raise InputError("No images: the largest class share of nothing is undefined.")
    counts = Counter(classes)
    best = min(counts, key=lambda number: (-counts[number], number))
    return best, counts[best] / len(classes)


def chance(labels: Sequence[int]) -> float:
    """The accuracy of the best constant answer on these labels: the largest class share."""
    return largest_share(labels)[1]


def collapse_reason(
    predictions: Sequence[int], clean_accuracy: Rate | None, chance_accuracy: float | None
) -> str | None:
    """Why the model counts as collapsed on these images, or None where it does not.

    predictions: clean. Collapsed: one class takes over 90 % of them, or the lower end of clean
    accuracy's interval does not clear chance (so that an accuracy below chance counts as well).
    The accuracies are None for a run without labels.
    """
    top, share = largest_share(predictions)
    reasons = []
    if share > COLLAPSED_SHARE:
        reasons.append(f"class {top} takes {_percent(share)} of the clean predictions")
    if clean_accuracy is not None and chance_accuracy is not None:
        low, high = clean_accuracy.interval.low, clean_accuracy.interval.high
        if low <= chance_accuracy:
            verdict = "is not above" if high >= chance_accuracy else "lies below"
            reasons.append(
                f"clean accuracy {_percent(clean_accuracy.value)} (95 % interval {_percent(low)} "
                f"to {_percent(high)}, n = {clean_accuracy.n}) {verdict} chance "
                f"({_percent(chance_accuracy)})"
            )
    return "; ".join(reasons) if reasons else None


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
