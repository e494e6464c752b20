"""One block of images: from pixels to records and adversarial pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from zsrobust.attacks.batches import in_batches
from zsrobust.attacks.measuring import measuring
from zsrobust.attacks.result import AttackResult, MemberResult
from zsrobust.attacks.run_attack import run_attack
from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.evaluation.protocol import Protocol
from zsrobust.records.record import AttackOutcome, Record, build_record


@dataclass(frozen=True)
class MeasuredBlock:
    """Records of a block, and its adversarial pixels (n, 3, H, W) for each radius as written."""

    records: list[Record]
    adversarial: dict[str, Tensor]


def measure_block(
    classifier: ZeroShotClassifier,
    pixels: Tensor,
    labels: Tensor | None,
    ids: list[str],
    protocol: Protocol,
    *,
    seed: int,
    batch_size: int,
) -> MeasuredBlock:
    """Clean predictions and every attack of the protocol on at most 256 images.

    labels: (n,) int64; None takes the classifier's own clean predictions.
    """
    if labels is None or not protocol.radii:
        predictions, margins, labels = clean_answers(classifier, pixels, labels, batch_size)
    results = {
        eps: run_attack(
            classifier,
            pixels,
            labels,
            attack=protocol.cascade,
            eps=eps,
            norm=protocol.settings.norm,
            seed=seed,
            ids=ids,
            batch_size=batch_size,
            precision=protocol.settings.precision,
            eight_bit=protocol.settings.eight_bit,
        )
        for eps in protocol.radii
    }
    if results:
        first = next(iter(results.values()))
        predictions, margins = first.clean_predictions, first.clean_margins
    written = zip(protocol.settings.eps, results.values(), strict=True)
    norm = protocol.settings.norm
    return MeasuredBlock(
        records=records_of(ids, labels, predictions, margins, results, norm),
        adversarial={eps: result.pixels.cpu() for eps, result in written},
    )


def clean_answers(
    classifier: ZeroShotClassifier, pixels: Tensor, labels: Tensor | None, batch_size: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Predictions, margins and labels (n,) of clean pixels; without labels, the predictions."""
    from zsrobust.attacks.losses import margin

    with measuring(classifier), torch.no_grad():
        logits = in_batches(classifier, pixels, batch_size)
    predictions = logits.argmax(1)
    labels = predictions if labels is None else labels.to(logits.device)
    return predictions, margin(logits, labels), labels


def records_of(
    ids: Sequence[str],
    labels: Tensor,
    predictions: Tensor,
    margins: Tensor,
    results: Mapping[float, AttackResult],
    norm: str,
) -> list[Record]:
    """A record an image. labels, predictions, margins: (n,), clean. results: one a radius."""
    found = [_outcomes(results, norm, position) for position in range(len(ids))]
    rows = zip(ids, labels.tolist(), predictions.tolist(), margins.tolist(), found, strict=True)
    return [build_record(*row) for row in rows]


def _outcomes(
    results: Mapping[float, AttackResult], norm: str, position: int
) -> Iterator[AttackOutcome]:
    for eps, result in results.items():
        for member in result.members:
            yield _outcome(member, eps, norm, position)


def _outcome(member: MemberResult, eps: float, norm: str, position: int) -> AttackOutcome:
    return AttackOutcome(
        name=member.name,
        eps=eps,
        norm=norm,
        ran=bool(member.ran[position]),
        prediction=int(member.prediction[position]),
        margin=float(member.margin[position]),
        distance=float(member.distance[position]),
        iteration=int(member.iteration[position]),
        forwards=int(member.forwards[position]),
        backwards=int(member.backwards[position]),
        flags=member.flags[position],
    )
