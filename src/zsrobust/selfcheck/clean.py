"""What the clean answers are worth: a model that always says the same is never overturned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zsrobust.records.chance import chance, collapse_reason
from zsrobust.records.intervals import rate
from zsrobust.selfcheck.questions import Answers
from zsrobust.selfcheck.result import Check


@dataclass(frozen=True)
class Clean:
    """chance: None without labels. collapsed: why the model counts as such, None where not."""

    chance: float | None
    collapsed: str | None
    check: Check


def clean_answers(answers: Answers, labels: Sequence[int] | None) -> Clean:
    """Clean accuracy beside chance, and whether the model has collapsed.

    labels: None where the model's own answers stand for them.
    """
    right, name = answers.right, "clean answers"
    if labels is None:
        reason = collapse_reason(answers.predictions, None, None)
        by_chance, said = None, f"{len(right)}, by the model itself"
    else:
        by_chance = chance(labels)
        share = rate(sum(right), len(right))
        reason = collapse_reason(answers.predictions, share, by_chance)
        said = f"{100 * share.value:.0f} % right, chance {100 * by_chance:.0f} %"
    if reason:
        return Clean(by_chance, reason, Check(name, "warning", reason, "collapsed"))
    return Clean(by_chance, None, Check(name, "fine", said))
