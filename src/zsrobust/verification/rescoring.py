"""Are a run's stored adversarial images what its records say they are?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from zsrobust.attacks.batches import BLOCK
from zsrobust.attacks.measuring import measuring
from zsrobust.records.record import Record, clean_right, outcomes_at, withstood
from zsrobust.threat_model import ThreatModel
from zsrobust.verification.check import Check
from zsrobust.verification.finished_run import FinishedRun, Subject

NAME = "stored images"
CLOSE = 1e-3
"""Logits: a decision this near to a tie may go either way in a batch of another shape."""
MARGINS = 5e-3
"""Logits, beside a thousandth of the margin: what rounding may change in a margin."""
ROUNDING = 1e-6
"""Of distances, beside ten times as much of the radius."""
_PART = "part-*.safetensors"


@dataclass(frozen=True)
class _Stored:
    """One stored image: its record, its place in the run, and its pixels at one radius."""

    record: Record
    position: int
    text: str
    threat: ThreatModel
    pixels: Tensor


@dataclass
class _Tally:
    """Figures and faults as they gather."""

    scored: int = 0
    close: int = 0
    gap: float = 0.0
    faults: list[str] = field(default_factory=list)


def check_stored(run: FinishedRun, subject: Subject) -> Check:
    """Every stored image scored again, alone, in fp32, and held against its record.

    Its decision must agree but within `CLOSE` logits of a tie, its margin and distance up to
    rounding, and it must lie in the ball around the clean image and in the box.
    """
    parts = sorted((run.path / "adversarial").glob(_PART))
    if not parts:
        return Check(NAME, nothing_to_do="the run kept no adversarial images (--keep-images)")
    tally, clean = _Tally(), {}
    with measuring(subject.classifier), torch.no_grad():
        for stored in _stored(parts, run, tally):
            if stored.position not in clean:
                clean = {stored.position: subject.image(stored.position)}
                _score_clean(subject, stored.record, clean[stored.position], tally)
            _score(subject, stored, clean[stored.position], tally)
    figures = {
        "scored": tally.scored,
        "within 1e-3 logits of a tie": tally.close,
        "largest change of a margin": tally.gap,
    }
    return Check(NAME, figures, tuple(tally.faults))


def _stored(parts: list[Path], run: FinishedRun, tally: _Tally) -> Iterator[_Stored]:
    """All stored images, image by image; files that are not as they were written are faults."""
    from safetensors import SafetensorError, safe_open

    settings = run.protocol.settings
    for part in parts:
        name = part.name
        try:
            number = int(part.stem.removeprefix("part-"))
            with safe_open(part, "pt") as file:
                ids, radii = json.loads((file.metadata() or {}).get("ids", "[]")), file.keys()
                tensors = {eps: file.get_tensor(eps) for eps in radii}
        except (OSError, ValueError, SafetensorError) as error:
            tally.faults.append(f"{name}: cannot be read ({str(error).splitlines()[0]})")
            continue
        records = run.block(number)
        if not ids or ids != [record.id for record in records[: len(ids)]]:
            tally.faults.append(f"{name}: its ids are not those of its block in the records")
        elif set(tensors) != set(settings.eps):
            tally.faults.append(f"{name}: holds radii {sorted(tensors)}, not the protocol's")
        elif any(len(pixels) != len(ids) for pixels in tensors.values()):
            tally.faults.append(f"{name}: holds another number of images than of ids")
        else:
            for row, record in enumerate(records[: len(ids)]):
                for text, eps in zip(settings.eps, run.protocol.radii, strict=True):
                    threat = ThreatModel(settings.norm, eps)
                    yield _Stored(record, number * BLOCK + row, text, threat, tensors[text][row])


def _score_clean(subject: Subject, record: Record, clean: Tensor, tally: _Tally) -> None:
    expected = (record.clean_prediction, record.clean_margin)
    _compare(subject, record, clean, expected, f"image {record.id}, clean", tally)


def _score(subject: Subject, stored: _Stored, clean: Tensor, tally: _Tally) -> None:
    place = f"image {stored.record.id} at {stored.text}"
    pixels, threat = stored.pixels.to(clean), stored.threat
    if pixels.shape != clean.shape or not bool(torch.isfinite(pixels).all()):
        tally.faults.append(f"{place}: {tuple(pixels.shape)} pixels, or not all of them numbers")
        return
    if float(pixels.min()) < 0 or float(pixels.max()) > 1:
        tally.faults.append(f"{place}: outside the box [0, 1]")
        return
    delta = (pixels - clean).flatten()
    away = float(delta.abs().max() if threat.norm == "linf" else torch.linalg.vector_norm(delta))
    prediction, margin, distance = _recorded(stored.record, threat.eps)
    slack = ROUNDING * (1 + 10 * threat.eps)
    if away > threat.eps + slack:
        tally.faults.append(f"{place}: {away:g} from the clean image, outside the ball")
    elif abs(away - distance) > slack:
        tally.faults.append(f"{place}: {away:g} from the clean image, recorded is {distance:g}")
    _compare(subject, stored.record, pixels, (prediction, margin), place, tally)


def _recorded(record: Record, eps: float) -> tuple[int, float, float]:
    """Prediction, margin and distance of the pixels that were kept.

    The first member that fooled decides; where none did, the highest margin, clean image included.
    """
    best = (record.clean_prediction, record.clean_margin, 0.0)
    if not clean_right(record):
        return best
    for one in outcomes_at(record, eps):
        if one.ran and (not withstood(one, record.label) or one.margin > best[1]):
            best = (one.prediction, one.margin, one.distance)
    return best


def _compare(
    subject: Subject,
    record: Record,
    pixels: Tensor,
    recorded: tuple[int, float],
    place: str,
    tally: _Tally,
) -> None:
    """Scores pixels at batch 1 and enters how the answer differs from the record's."""
    logits = subject.classifier(pixels[None])[0].float()
    prediction, (told, told_margin) = int(logits.argmax()), recorded
    wrong = logits.clone()
    wrong[record.label] = -torch.inf
    margin = float(wrong.max() - logits[record.label])
    gap = abs(margin - told_margin)
    tally.scored += 1
    tally.gap = max(tally.gap, gap)
    if prediction != told and float(logits.max() - logits[told]) <= CLOSE:
        tally.close += 1
    elif prediction != told:
        tally.faults.append(
            f"{place}: predicted {prediction} (margin {margin:.4f}), recorded is {told} "
            f"(margin {told_margin:.4f})"
        )
    elif not gap <= MARGINS + 1e-3 * abs(told_margin):
        tally.faults.append(f"{place}: margin {margin:.4f}, recorded is {told_margin:.4f}")
