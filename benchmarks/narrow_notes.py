"""What stands under the tables of `narrow_training.py`: what they rest on and could have shown."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from narrow_differences import BY_IMAGES, BY_SEEDS, by_images, by_seeds
from narrow_results import CLEAN, LEARNED, OTHERS, Measured
from narrow_running import Runner
from narrow_searches import WIDTH, choices


def notes(measured: Measured, runner: Runner) -> list[str]:
    """Sentences in lines of at most `WIDTH` columns, and the tables that belong to them."""
    said = [_how(measured), _parts(measured), _counted(measured), _marks(), _shared(measured)]
    said += [*_warnings(measured), *_gaps(measured, runner), _time(measured, runner)]
    lines = [line for text in said if text for line in _wrapped(text)]
    lines += [*_wrapped(BY_IMAGES), *by_images(measured), ""]
    lines += [*_wrapped(BY_SEEDS), *by_seeds(measured), ""]
    return [*lines, *choices(measured.plan)]


def _wrapped(text: str) -> list[str]:
    return [*textwrap.wrap(text, WIDTH, break_on_hyphens=False), ""]


def _how(measured: Measured) -> str:
    study = measured.plan.study
    unattacked = [method.title for method in study.methods if not method.attacked]
    but = f" (none for {', '.join(unattacked)})" if unattacked else ""
    return (
        f"`{study.base}` fine-tuned on {study.dataset} restricted to the classes of "
        f"`{study.classes}`: {study.images_trained:,} images a training in "
        f"{study.training['steps']} batches of {study.training['batch_size']}, inner attack "
        f"PGD-{study.attack['steps']} at {study.eps}{but}, the same images, order and random "
        f"starts for all. Measured under `{study.protocol}` on the first "
        f"{study.evaluation.images} ids of each set, in percent with 95 % Wilson intervals; a "
        "dash is a gap."
    )


def _parts(measured: Measured) -> str:
    undefended, study = measured.plan.contenders[0], measured.plan.study
    both = [measured.on(undefended, part) for part in (LEARNED, OTHERS)]
    if None in both:
        return ""
    learned, others = (standing.rates[CLEAN].n for standing in both if standing)
    return (
        f"{LEARNED}, {OTHERS}: the first {learned + others} ids of {study.dataset}, {learned} of "
        f"them of the classes that were trained on and {others} of the rest. A choice is among "
        "all classes of the set."
    )


def _counted(measured: Measured) -> str:
    study = measured.plan.study
    counted, unseen = measured.counted, measured.unseen
    apart = [name for name in unseen if name not in counted]
    text = f"Means are over {', '.join(counted) or 'no set'}, without {study.dataset}."
    undefended = measured.plan.contenders[0]
    for name in apart:
        standing = measured.on(undefended, name)
        if standing is None:
            text += f" {name} is not measured."
            continue
        rate = standing.rates[CLEAN]
        text += (
            f" {name} takes no part: the undefended model's interval of clean accuracy, from "
            f"{100 * rate.interval.low:.1f}, is not above chance, {100 * standing.chance:.1f}."
        )
    return text


def _marks() -> str:
    return (
        "†: mean ± standard deviation over trainings of several seeds; all other rows are of "
        "seed 0 where they name none. ‡: collapsed, one class takes over 90 % of the clean "
        "predictions or clean accuracy is not above chance, the best constant answer; robust "
        "accuracy then means little. Intervals of means join those of the sets; they hold for one "
        "model, and say little of a difference on the same images."
    )


def _shared(measured: Measured) -> str:
    """How much of each set the set of the fine-tuning names too."""
    known = {
        name: standing.shared
        for (_, name), standing in measured.standings.items()
        if name in measured.unseen and standing.shared is not None
    }
    shares = ", ".join(f"{name} {100 * share:.0f} %" for name, share in sorted(known.items()))
    trained_on = measured.plan.study.dataset
    return f"Of a set's classes, {trained_on} as a whole has: {shares}." if shares else ""


def _warnings(measured: Measured) -> Iterator[str]:
    """What the runs warn of, each once."""
    where: dict[str, list[str]] = {}
    for (model, name), standing in measured.standings.items():
        for warning in standing.warnings:
            where.setdefault(warning, []).append(f"{model} on {name}")
    for warning, runs in where.items():
        yield f"{len(runs)} of the runs ({runs[0]}{', ...' if len(runs) > 1 else ''}): {warning}"


def _gaps(measured: Measured, runner: Runner) -> Iterator[str]:
    plan = measured.plan
    asked = plan.study.evaluation.datasets
    absent = [name for name in asked if name not in plan.datasets]
    if absent:
        yield f"Not on the disk: {', '.join(absent)}."
    left = [cell.name for cell in plan.cells if not runner.finished(cell)]
    if left:
        yield f"Not finished: {', '.join(left)}."


def _time(measured: Measured, runner: Runner) -> str:
    spent: dict[str, float] = {}
    for cell in measured.plan.cells:
        verb = str(cell.arguments[0])
        spent[verb] = spent.get(verb, 0.0) + runner.kept(cell).get("seconds", 0.0)
    parts = [f"{verb} {seconds / 60:.0f}" for verb, seconds in spent.items()]
    return (
        f"Wall time of all processes on `{measured.plan.device}`, minutes: {', '.join(parts)}; "
        f"{sum(spent.values()) / 3600:.1f} hours in all, of which several ran at once."
    )
