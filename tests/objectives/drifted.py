"""A model that has moved since its objective was built, and the model it was, both in float64."""

from dataclasses import dataclass

import torch

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.objectives.catalogue import build_objective
from zsrobust.objectives.objective import Batch, Objective
from zsrobust.testing.tiny_clip import random_images, tiny_classifier


@dataclass
class Drifted:
    """`student` is trained; `original` is what it was, made anew and not by the package.

    calls: (whether under gradient, how many images) of each forward of any image tower of the
    objective's, the frozen ones' included.
    """

    student: ZeroShotClassifier
    original: ZeroShotClassifier
    objective: Objective
    batch: Batch
    adversarial: torch.Tensor
    calls: list[tuple[bool, int]]

    def terms(self):
        return self.objective.outer_loss(self.student, self.batch, self.adversarial).terms

    def inner(self, pixels=None):
        loss = self.objective.inner_loss(self.student, self.batch)
        return loss(self.batch.pixels if pixels is None else pixels)


def drifted(kind, settings=None, count=6, repeatable=True, drift=0.05):
    student, original = tiny_classifier().double(), tiny_classifier().double()
    calls = []

    def count_call(module, inputs, output):
        calls.append((torch.is_grad_enabled(), len(inputs[0])))

    student.visual.register_forward_hook(count_call)
    pixels, labels = random_images(count, tiny_classifier())
    pixels = pixels.double()
    objective = build_objective(kind, settings or {}, student)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in student.visual.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
            parameter.add_(drift * noise)
    noise = torch.rand(pixels.shape, generator=generator, dtype=torch.float64)
    adversarial = (pixels + 0.1 * (noise - 0.5)).clamp(0, 1)
    batch = Batch(pixels, (labels + 1) % 5, [f"i{i}" for i in range(count)], repeatable)
    return Drifted(student, original, objective, batch, adversarial, calls)


def embedded(classifier, pixels):
    """f(x), written out from the tower: (x - mean) / std, then the projection."""
    mean, std = classifier.preprocess.mean, classifier.preprocess.std
    return classifier.visual((pixels - mean) / std)


def cosines(classifier, pixels):
    pooled = embedded(classifier, pixels)
    unit = pooled / (pooled * pooled).sum(1, keepdim=True).sqrt()
    return unit @ classifier.class_embeddings.T


def softmax(logits):
    powers = (logits - logits.max(1, keepdim=True).values).exp()
    return powers / powers.sum(1, keepdim=True)


def own_class(probabilities, labels):
    return probabilities[torch.arange(len(labels)), labels]


def gradient(total, classifier):
    """All of the image tower's gradient as one vector."""
    parameters = list(classifier.visual.parameters())
    parts = torch.autograd.grad(total, parameters, retain_graph=True, allow_unused=True)
    return torch.cat(
        [
            (torch.zeros_like(parameter) if part is None else part).flatten()
            for part, parameter in zip(parts, parameters, strict=True)
        ]
    )


def assert_equal_with_gradient(ours, written, classifier):
    """Value and gradient agree to 1e-5, and there is a gradient."""
    assert torch.allclose(ours, written, rtol=1e-5, atol=1e-12)
    mine, theirs = gradient(ours, classifier), gradient(written, classifier)
    assert float(theirs.norm()) > 0
    assert float((mine - theirs).norm()) <= 1e-5 * float(theirs.norm())
