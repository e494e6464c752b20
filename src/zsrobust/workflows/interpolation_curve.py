"""Between a base and its tuned model: the trade-off that a straight line through weights buys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zsrobust.data.dataset import Dataset
from zsrobust.errors import InputError
from zsrobust.evaluation.asked import Asked
from zsrobust.evaluation.evaluate import Run, evaluate
from zsrobust.evaluation.protocol import Protocol
from zsrobust.models.interpolate import check_clean_weight, interpolate
from zsrobust.models.load import load_model
from zsrobust.models.model import Model

CLEAN_WEIGHTS = (0.0, 0.3, 0.5, 0.7, 1.0)


@dataclass(frozen=True)
class CurvePoint:
    """One cell of the curve: the share of the base in the weights, and its run."""

    clean_weight: float
    run: Run


def interpolation_curve(
    base: str | Path | Model,
    tuned: str | Path | Model,
    datasets: Sequence[str | Path | Dataset | Asked],
    protocols: Sequence[str | Path | Protocol],
    out: str | Path,
    *,
    clean_weights: Sequence[float] = CLEAN_WEIGHTS,
    device: str = "auto",
    **options: Any,
) -> Iterator[CurvePoint]:
    """Evaluates mixtures of two models' weights, each cell into a run folder named by its weight.

    The cheap baseline of every trade-off: a defence whose clean and robust accuracy lie on or below
    this line, or that of another defence, offers nothing that a mixture does not.
    clean_weights: shares of the base, in [0, 1]: 0 is the tuned model, 1 the base. options: those
    of `evaluate`. Cells come one at a time, weight by weight; finished ones are read, not measured
    again, so that the same call continues. Raises ModelError for a weight outside [0, 1] or models
    that cannot be mixed, InputError for no weight or one given twice.
    """
    _check(clean_weights)
    clean, robust = load_model(base, device), load_model(tuned, device)
    options = {**options, "device": device}
    for weight in clean_weights:
        mixed = _mixed(clean, robust, weight)
        for dataset in datasets:
            for protocol in protocols:
                cell = _cell(mixed, dataset, protocol, out, options)
                yield CurvePoint(weight, cell)


def _check(clean_weights: Sequence[float]) -> None:
    for weight in clean_weights:
        check_clean_weight(weight)
    if not clean_weights or len(set(clean_weights)) < len(clean_weights):
        given = ", ".join(f"{weight:g}" for weight in clean_weights)
        raise InputError(f"clean weights: {given or 'none'}. Give at least one, and each once.")


def _mixed(clean: Model, robust: Model, weight: float) -> Model:
    """A mixture that still says what its robust part was tuned on; the base has nothing to say."""
    mixed = interpolate(clean, robust, weight)
    card = clean.card if weight == 1 else robust.card
    said = {"name": mixed.name, "description": f"{mixed.source}."}
    return replace(mixed, card=card and card.model_copy(update=said))


def _cell(
    model: Model,
    dataset: str | Path | Dataset | Asked,
    protocol: str | Path | Protocol,
    out: str | Path,
    options: dict[str, Any],
) -> Run:
    if not isinstance(dataset, Asked):
        return evaluate(model, dataset, protocol, out, **options)
    return evaluate(
        model,
        dataset.dataset,
        protocol,
        out,
        split=dataset.split,
        prompts=dataset.prompts,
        suite=dataset.suite,
        **options,
    )
