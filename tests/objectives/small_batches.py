"""A batch of smooth random images with an adversarial twin, and a tower that has moved."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.objectives.objective import Batch
from zsrobust.testing.tiny_clip import random_images


def batch_of(
    classifier: ZeroShotClassifier, labels: Sequence[int], **fields
) -> tuple[Batch, Tensor]:
    """Clean images with the given labels, and adversarial pixels near them."""
    pixels, _ = random_images(len(labels), classifier)
    noise = torch.randn(pixels.shape, generator=torch.Generator().manual_seed(1))
    adversarial = (pixels + 0.03 * noise).clamp(0, 1)
    ids = [f"image-{position}" for position in range(len(labels))]
    return Batch(pixels, torch.tensor(labels), ids, **fields), adversarial


def move(classifier: ZeroShotClassifier, by: float = 0.02) -> None:
    """Changes the tower as training would, so that it differs from its frozen copies."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in classifier.visual.parameters():
            parameter.add_(by * torch.randn(parameter.shape, generator=generator))


def embedded(classifier: ZeroShotClassifier, pixels: Tensor) -> Tensor:
    """Unit embeddings, without the code under test."""
    pooled = classifier.visual(classifier.preprocess(pixels))
    return pooled / (pooled**2).sum(1, keepdim=True).sqrt()


def same_value_and_gradients(
    ours: Tensor, written: Tensor, of: Sequence[Tensor], tolerance: float = 1e-5
) -> None:
    """Asserts that two scalars and their gradients agree, relative to the largest entry."""
    assert ours.item() == pytest.approx(written.item(), rel=tolerance, abs=tolerance)
    pairs = zip(_gradients(ours, of), _gradients(written, of), strict=True)
    for mine, theirs in pairs:
        bound = tolerance * max(1.0, float(theirs.abs().max()))
        assert float((mine - theirs).abs().max()) <= bound


def _gradients(loss: Tensor, of: Sequence[Tensor]) -> list[Tensor]:
    found = torch.autograd.grad(loss, list(of), allow_unused=True, retain_graph=True)
    return [torch.zeros_like(x) if g is None else g for g, x in zip(found, of, strict=True)]
