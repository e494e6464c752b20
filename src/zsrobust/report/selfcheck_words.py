"""How a self-check is put into words: marks, tags, counts and what each check asks."""

from __future__ import annotations

from zsrobust.selfcheck.result import Check, Level, SelfCheck

MARKS: dict[Level, str] = {"fine": "✓", "open": "–", "note": "i", "warning": "!", "invalid": "×"}

QUESTIONS = (
    (
        "larger eps, fewer kept",
        "A larger ball holds every image of a smaller one, so robustness cannot rise. Where it "
        "does, an attack has failed. Each radius is attacked from scratch.",
    ),
    (
        "nothing kept at 255/255",
        "There the attacker may replace the image by any other. Only a constant answer survives.",
    ),
    (
        "steps, losses, attacks",
        "An attack that has converged gains nothing from more effort, and good attacks agree. "
        "Differences count from p < 0.01 of the exact McNemar test on the same images.",
    ),
    (
        "Square",
        "It uses no gradient. If it overturns what gradient attacks left, gradients lie.",
    ),
    (
        "batch size, asked again",
        "A result an image exists only if the answer depends on that image alone.",
    ),
    (
        "bf16, fp16",
        "In half precision small gradients vanish, and a model looks more robust than it is.",
    ),
)
"""What is asked, and why, for the page."""


def subject(result: SelfCheck) -> str:
    """Model, dataset and counts: "tiny on photos: 64 images, 62 right when clean"."""
    right = "right when clean" if result.labelled else "as the model itself answers"
    n = len(result.ids)
    return f"{result.model} on {result.dataset}: {n} images, {result.attacked} {right}"


def effort(result: SelfCheck) -> str:
    """What was run, and how long it took beside what was foreseen."""
    plan = result.plan
    said = (
        f"PGD {plan.steps} steps, APGD {plan.apgd_steps}, Square {plan.queries} queries, L-inf, "
        f"seed {result.seed}; {result.seconds:.0f} s"
    )
    return said if result.estimate is None else f"{said} ({result.estimate:.0f} s foreseen)"


def levels(eps: str) -> str:
    """A radius in 1/255 without the denominator, as axes show it; others as they are."""
    return eps.removesuffix("/255")


def p_value(check: Check) -> str:
    """The p-value of a check, as far as it can matter; empty where it has none."""
    if check.p_value is None:
        return ""
    return "< 0.001" if check.p_value < 0.001 else f"{check.p_value:.3f}"
