"""What a `photos-mini` is worth: accuracy on every labelled set, and what a gradient costs."""

from __future__ import annotations

import time
from pathlib import Path

import torch
from torch import Tensor

from zsrobust.classifier.zero_shot import ZeroShotClassifier, classifier_of
from zsrobust.data.catalogue import load_dataset
from zsrobust.data.pixels import read_pixels
from zsrobust.models.card import Accuracy
from zsrobust.models.model import Model

SETS = (
    ("tinyimagenet", "val"),
    ("tinyimagenet", "test"),
    ("cifar10", "test"),
    ("cifar100", "test"),
    ("caltech101", "test"),
    ("imagenet1k", "test"),
    ("cars", "test"),
    ("pets", "test"),
    ("dtd", "test"),
)
_AT_ONCE = 200


def accuracies(model: Model, data_root: Path) -> dict[str, Accuracy]:
    """Top-1 accuracy on all images of each labelled set, its own templates and names.

    chance: the share of one class among the class names. A set is `name` or, for another split
    than test, `name/split`.
    """
    found = {}
    for name, split in SETS:
        dataset = load_dataset(name, split=split, data_root=data_root)
        classifier = classifier_of(model, dataset.class_names, dataset.templates)
        labels = torch.tensor(dataset.labels)
        right = 0
        for start in range(0, len(labels), _AT_ONCE):
            positions = range(start, min(start + _AT_ONCE, len(labels)))
            with torch.no_grad():
                answers = classifier(read_pixels(dataset, positions, 56)).argmax(1)
            right += int((answers == labels[positions.start : positions.stop]).sum())
        chance = 1 / len(dataset.class_names)
        key = name if split == "test" else f"{name}/{split}"
        found[key] = Accuracy(
            top1=round(right / len(labels), 4), n=len(labels), chance=round(chance, 5)
        )
        print(f"{key}: {found[key].top1:.1%} of {len(labels)} (chance {chance:.1%})", flush=True)
    return found


def fitted_scale(model: Model, data_root: Path) -> float:
    """The scale of cosine logits with the least cross-entropy on `tinyimagenet/val`."""
    dataset = load_dataset("tinyimagenet", split="val", data_root=data_root)
    classifier = classifier_of(model, dataset.class_names, dataset.templates)
    labels = torch.tensor(dataset.labels)
    with torch.no_grad():
        parts = [
            classifier(read_pixels(dataset, range(start, start + _AT_ONCE), 56))
            for start in range(0, len(labels), _AT_ONCE)
        ]
    cosines = torch.cat(parts) / classifier.logit_scale
    scales = torch.arange(5.0, 100.5, 0.5)
    losses = [torch.nn.functional.cross_entropy(s * cosines, labels).item() for s in scales]
    return float(scales[losses.index(min(losses))])


def gradients_per_second(classifier: ZeroShotClassifier, batch: int = 64, runs: int = 8) -> float:
    """Images a second of one forward and one gradient with respect to pixels, fp32.

    Parameters are not frozen, the fast path of attention is off, as attacks run it.
    """
    torch.backends.mha.set_fastpath_enabled(False)
    pixels = torch.rand(batch, 3, 56, 56, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(batch) % len(classifier.class_names)
    best = 0.0
    for _ in range(runs):
        began = time.perf_counter()
        _gradient(classifier, pixels.clone().requires_grad_(), labels)
        best = max(best, batch / (time.perf_counter() - began))
    return best


def _gradient(classifier: ZeroShotClassifier, pixels: Tensor, labels: Tensor) -> Tensor:
    loss = torch.nn.functional.cross_entropy(classifier(pixels), labels, reduction="sum")
    (gradient,) = torch.autograd.grad(loss, pixels)
    return gradient


def multiply_adds(model: Model) -> int:
    """Multiply-adds of the image tower for one image."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.visual(torch.zeros(1, 3, model.image_size, model.image_size))
    return int(counter.get_total_flops() // 2)
