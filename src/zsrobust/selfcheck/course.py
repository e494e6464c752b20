"""The course of a self-check: which attacks are run, in which order, and what is asked of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zsrobust.attacks.precision import Precision
from zsrobust.attacks.result import AttackResult
from zsrobust.attacks.search import Attack, Cascade
from zsrobust.selfcheck.checks import (
    check_curve,
    check_faults,
    check_gradients,
    check_pair,
    check_precision,
    check_square,
    check_whole_box,
)
from zsrobust.selfcheck.names import (
    APGD_CE,
    APGD_DLR,
    BF16,
    CURVE,
    FP16,
    MORE,
    PGD_CE,
    PGD_MARGIN,
    SQUARE,
)
from zsrobust.selfcheck.plan import DECISIVE, Plan
from zsrobust.selfcheck.questions import Answers, Subject
from zsrobust.selfcheck.result import Check, Trial
from zsrobust.selfcheck.trials import Attacks, bf16_alone, first_alone, run_trial
from zsrobust.threat_model import parse_eps

OnStage = Callable[[int, int, str], None]
_SINGLE = (PGD_MARGIN, APGD_CE, APGD_DLR, MORE)


@dataclass(frozen=True)
class Found:
    """The trials of the curve, those at `close_eps`, and what they say."""

    curve: tuple[Trial, ...]
    looks: tuple[Trial, ...]
    close_eps: str
    checks: tuple[Check, ...]


@dataclass
class Course:
    """Runs trials and tells who listens how far it is.

    collapsed: nothing is compared then, only the curve is drawn.
    """

    subject: Subject
    plan: Plan
    on_stage: OnStage | None
    collapsed: bool
    done: int = 0

    def run(
        self,
        name: str,
        attack: Attack | Cascade,
        eps: str,
        precision: Precision = "fp32",
        only: tuple[bool, ...] | None = None,
    ) -> tuple[Trial, AttackResult | None]:
        """One trial and its result."""
        if self.on_stage is not None:
            stages = len(self.plan.radii) - 1 + (0 if self.collapsed else len(_SINGLE) + 3)
            self.on_stage(self.done, stages, f"{name} at {eps}")
        self.done += 1
        return run_trial(self.subject, name, attack, eps, precision=precision, only=only)


def attack(course: Course, answers: Answers, eps: str) -> Found:
    """Everything that is attacked. eps: of the curve, where attacks are compared if possible."""
    clean = Trial("clean", course.plan.radii[0], answers.right, {}, 0.0)
    if not answers.has_gradient and course.collapsed:
        return Found((clean,), (), eps, ())
    if not answers.has_gradient:
        return _without_gradient(course, clean, eps)
    attacks, curve, alone = Attacks(course.plan), [clean], {}
    for radius in course.plan.radii[1:]:
        cascade = attacks.whole_box if parse_eps(radius) == 1.0 else attacks.curve
        trial, result = course.run(CURVE, cascade, radius)
        curve.append(trial)
        alone[radius] = first_alone(course.subject, trial, result)
    attacked, ids = sum(clean.kept), course.subject.ids
    checks = [check_curve(ids, curve), check_whole_box(curve[-1], attacked), *check_faults(curve)]
    if course.collapsed:
        return Found(tuple(curve), (), eps, tuple(checks))
    close = close_radius(curve, eps)
    looks = _looks(course, attacks, close, alone[close])
    at = {trial.name: trial for trial in looks}
    searched = [at[name] for name in (PGD_CE, *_SINGLE)]
    checks = [
        check_gradients([*searched, _at(curve, close), _at(curve, eps)], attacked),
        *checks,
        *_comparisons(course, at, attacked),
        *_precisions(course, at, answers),
        *check_faults(searched),
    ]
    return Found(tuple(curve), looks, close, tuple(checks))


def close_radius(curve: Sequence[Trial], eps: str) -> str:
    """Where attacks are compared: at `eps`, or the next radius below it that keeps enough images.

    Where none does, the smallest radius: it keeps the most.
    """
    below = [trial for trial in curve[1:] if parse_eps(trial.eps) <= parse_eps(eps) + 1e-9]
    enough = [trial.eps for trial in below if sum(trial.kept) >= DECISIVE]
    return enough[-1] if enough else curve[1].eps


def _looks(course: Course, attacks: Attacks, eps: str, ce: Trial) -> tuple[Trial, ...]:
    """Each attack by itself at one radius; Square on what all gradient attacks left."""
    looks = [ce, *(course.run(name, attacks.single(name), eps)[0] for name in _SINGLE)]
    left = _left(looks)
    square, _ = course.run(SQUARE, attacks.single(SQUARE), eps, only=left)
    first, plan = attacks.single(PGD_CE), course.plan
    bf16, result = course.run(BF16, first, eps, "bf16", _first(course, plan.bf16_images))
    fp16, _ = course.run(FP16, first, eps, "fp16-unscaled", _first(course, plan.fp16_images))
    return (*looks, square, bf16_alone(bf16, result), fp16)


def _first(course: Course, few: int) -> tuple[bool, ...]:
    return tuple(position < few for position in range(len(course.subject.ids)))


def _left(trials: Sequence[Trial]) -> tuple[bool, ...]:
    return tuple(all(row) for row in zip(*(trial.kept for trial in trials), strict=True))


def _at(curve: Sequence[Trial], eps: str) -> Trial:
    return next(trial for trial in curve if trial.eps == eps)


def _comparisons(course: Course, at: dict[str, Trial], attacked: int) -> list[Check]:
    plan, ids = course.plan, course.subject.ids
    pairs = (
        (f"{plan.more_steps} steps, {plan.restarts} starts", PGD_MARGIN, MORE, "more-steps"),
        ("PGD: CE, margin", PGD_CE, PGD_MARGIN, "losses-disagree"),
        ("APGD: CE, DLR", APGD_CE, APGD_DLR, "losses-disagree"),
        ("PGD, APGD: margin, DLR", PGD_MARGIN, APGD_DLR, "attacks-disagree"),
    )
    checks = [
        check_pair(name, ids, at[one], at[other], attacked, flag)
        for name, one, other, flag in pairs
    ]
    left = sum(_left([at[name] for name in (PGD_CE, *_SINGLE)]))
    return [*checks, check_square(left, at[SQUARE], plan.queries)]


def _precisions(course: Course, at: dict[str, Trial], answers: Answers) -> list[Check]:
    if not answers.by_precision:
        return []
    ids, plan = course.subject.ids, course.plan
    return [
        check_precision(ids[:few], name, at[PGD_CE], at[name], answers.by_precision[name])
        for name, few in ((BF16, plan.bf16_images), (FP16, plan.fp16_images))
    ]


def _without_gradient(course: Course, clean: Trial, eps: str) -> Found:
    """Nothing but Square can attack what lets no gradient through."""
    square, _ = course.run(SQUARE, Attacks(course.plan).single(SQUARE), eps, only=clean.kept)
    attacked = sum(clean.kept)
    said = (
        f"none reaches the pixels; Square alone overturns {attacked - sum(square.kept)} of "
        f"{attacked} at {eps}. Give the backward pass a stand-in: zsrobust.attacks.substitute"
    )
    checks = (Check("gradients", "warning", said, "no-gradient"), *check_faults([square]))
    return Found((clean,), (square,), eps, checks)
