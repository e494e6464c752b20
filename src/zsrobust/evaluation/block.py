"""One block of images: from pixels to records and adversarial pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
        predictions, margins, labels = _clean(classifier, pixels, labels, batch_size)
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
        )
        for eps in protocol.radii
    }
    if results:
        first = next(iter(results.values()))
        predictions, margins = first.clean_predictions, first.clean_margins
    norm = protocol.settings.norm
    found = [outcomes(results, norm, position) for position in range(len(ids))]
    rows = zip(ids, labels.tolist(), predictions.tolist(), margins.tolist(), found, strict=True)
    written = zip(protocol.settings.eps, results.values(), strict=True)
    return MeasuredBlock(
        records=[build_record(*row) for row in rows],
        adversarial={eps: result.pixels.cpu() for eps, result in written},
    )


def _clean(
    classifier: ZeroShotClassifier, pixels: Tensor, labels: Tensor | None, batch_size: int
) -> tuple[Tensor, Tensor, Tensor]:
    from zsrobust.attacks.losses import margin

    with measuring(classifier), torch.no_grad():
        logits = in_batches(classifier, pixels, batch_size)
    predictions = logits.argmax(1)
    labels = predictions if labels is None else labels.to(logits.device)
    return predictions, margin(logits, labels), labels


def outcomes(
    results: Mapping[float, AttackResult], norm: str, position: int
) -> Iterator[AttackOutcome]:
    """What a record holds of the image at `position`: every member of the cascade, at each eps."""
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
