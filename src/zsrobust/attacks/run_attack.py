"""The one way attacks are run: no attack is trusted.

Images already misclassified are never attacked, those fooled are dropped, every result is
projected into ball and box and judged again in fp32 on the very pixels that are returned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import get_args

import torch
from torch import Tensor

from zsrobust.attacks.attack_block import Campaign, Stop, attack_block
from zsrobust.attacks.batches import blocks, in_blocks
from zsrobust.attacks.catalogue import ATTACKS
from zsrobust.attacks.measuring import measuring
from zsrobust.attacks.precision import Precision
from zsrobust.attacks.randomised import Randomised
from zsrobust.attacks.result import AttackResult, join, reorder
from zsrobust.attacks.search import Attack, Cascade
from zsrobust.errors import ModelError, NotFiniteError, PixelsError, SettingsError
from zsrobust.randomness import hash_order, seeded
from zsrobust.registry import did_you_mean
from zsrobust.threat_model import ThreatModel, check_norm, parse_eps

DEFAULT_BATCH = 64


def run_attack(
    classifier: Callable[[Tensor], Tensor],
    pixels: Tensor | Iterable[tuple[Tensor, Tensor]],
    labels: Tensor | None = None,
    *,
    attack: str | Attack | Cascade = "apgd-ce+t",
    eps: str | float = "1/255",
    norm: str = "linf",
    seed: int = 0,
    ids: Sequence[str] | None = None,
    batch_size: int | None = None,
    precision: Precision = "fp32",
    stop: Stop = "first",
    eight_bit: bool = False,
) -> AttackResult:
    """Attacks every image that is classified correctly; all results per image.

    classifier: any callable from pixels (B, 3, H, W) in [0, 1] to logits (B, C); a randomised one
    wrapped in `Randomised`.
    pixels, labels: (B, 3, H, W) and (B,) int64; or, without labels, a DataLoader or any iterable
    of such pairs, of which 256 images are taken at a time.
    attack: a name of `ATTACKS`, an `Attack`, or a tuple of them. eps: "4/255" or a fraction of the
    pixel range (L2: a length). norm: "linf" or "l2".
    ids: name each image's random numbers; default: sha256 of its bytes.
    precision: of the search; the verdict is always fp32. See `precision.py`.
    stop: `first` drops an image at its first success; `never` gives every image, right or wrong,
    all steps and returns last iterates (for measuring attention, not for accuracy).
    eight_bit: a success counts only if it survives rounding to 256 levels inside the ball; pixels
    are then returned rounded.
    The same call gives the same bytes on the same kind of CPU, whatever the order of the images:
    a tensor is worked through by the sha256 of its ids.
    Raises PixelsError, SettingsError, UnknownNameError, or ModelError for logits of another shape
    than (B, C) with C >= 2; RunError if the classifier gives NaN or lets no gradient through.
    """
    _check_settings(precision, stop, batch_size)
    draws = classifier if isinstance(classifier, Randomised) else Randomised(classifier, 1, 1)
    campaign = Campaign(
        cascade=_cascade(attack),
        threat=ThreatModel(check_norm(norm), parse_eps(eps, norm)),
        seed=seed,
        batch_size=batch_size or DEFAULT_BATCH,
        stop=stop,
        precision=precision,
        eight_bit=eight_bit,
        samples=draws.samples,
        votes=draws.votes,
    )
    inner = draws.classifier
    with measuring(inner):
        if isinstance(pixels, Tensor):
            if labels is None:
                raise PixelsError("labels are missing: give int64 (B,), or a loader of pairs.")
            return _attack_tensor(inner, pixels, labels, ids, campaign)
        if labels is not None or ids is not None:
            raise PixelsError("A loader brings its own labels and ids: give neither beside it.")
        parts = [_attack_tensor(inner, *pair, None, campaign) for pair in in_blocks(pixels)]
    if not parts:
        raise PixelsError("The loader holds no images.")
    return join(parts)


def _attack_tensor(
    classifier: Callable[[Tensor], Tensor],
    pixels: Tensor,
    labels: Tensor,
    ids: Sequence[str] | None,
    campaign: Campaign,
) -> AttackResult:
    """The images in the order of their hashed ids, block by block, and back in their own."""
    _check(pixels, labels)
    names = [_content_id(image) for image in pixels] if ids is None else list(ids)
    if len(names) != len(pixels):
        raise PixelsError(f"ids holds {len(names)} names for {len(pixels)} images.")
    order = hash_order(names)
    logits_of, parts = partial(_checked_logits, classifier), []
    for block in blocks(len(pixels)):
        part = order[block]
        some = [names[position] for position in part]
        drawn = max(campaign.samples, campaign.votes) > 1
        with seeded(campaign.seed, some[0], device=pixels.device, wanted=drawn):
            images = pixels[part].float()
            parts.append(attack_block(logits_of, images, labels[part], some, campaign))
    place = {position: row for row, position in enumerate(order)}
    return reorder(join(parts), [place[position] for position in range(len(pixels))])


def _check_settings(precision: str, stop: str, batch_size: int | None) -> None:
    for name, value, known in (
        ("precision", precision, get_args(Precision)),
        ("stop", stop, get_args(Stop)),
    ):
        if value not in known:
            raise SettingsError(f"Unknown {name} '{value}'.{did_you_mean(value, known)}")
    if batch_size is not None and batch_size < 1:
        raise SettingsError(f"batch_size = {batch_size}: give at least 1 image.")


def _cascade(attack: str | Attack | Cascade) -> Cascade:
    if isinstance(attack, str):
        return ATTACKS[attack]
    cascade = (attack,) if isinstance(attack, Attack) else tuple(attack)
    if not cascade:
        raise SettingsError("The cascade is empty. Give at least one attack.")
    names = [member.name for member in cascade]
    if len(set(names)) < len(names):
        raise SettingsError(
            f"Two members of the cascade share a name ({', '.join(names)}), and with it their "
            "random numbers. Name each."
        )
    return cascade


def _check(pixels: Tensor, labels: Tensor) -> None:
    if pixels.ndim != 4 or not len(pixels):
        raise PixelsError(f"pixels must be (B, 3, H, W), B > 0; got {tuple(pixels.shape)}.")
    if not pixels.is_floating_point():
        raise PixelsError(f"pixels must be floating point; got {pixels.dtype}. Divide by 255.")
    if labels.dtype != torch.int64 or labels.shape != (len(pixels),):
        raise PixelsError(
            f"labels must be int64 ({len(pixels)},); got {labels.dtype} {tuple(labels.shape)}."
        )
    low, high = float(pixels.min()), float(pixels.max())
    if not (low >= -1e-6 and high <= 1 + 1e-6):
        raise PixelsError(
            f"images must lie in [0, 1]; got [{low:.2f}, {high:.2f}]. Pass unnormalised pixels: "
            "the radius is a share of their range."
        )


def _checked_logits(classifier: Callable[[Tensor], Tensor], pixels: Tensor) -> Tensor:
    logits = classifier(pixels)
    if logits.ndim != 2 or len(logits) != len(pixels) or logits.shape[1] < 2:
        raise ModelError(
            f"The classifier must give logits (B, C) of at least two classes; for {len(pixels)} "
            f"images it gives {tuple(logits.shape)}."
        )
    logits = logits.float()
    if not bool(torch.isfinite(logits).all()):
        raise NotFiniteError(
            "The classifier gives NaN or infinite logits: no attack can be judged."
        )
    return logits


def _content_id(image: Tensor) -> str:
    return hashlib.sha256(image.detach().cpu().float().numpy().tobytes()).hexdigest()
