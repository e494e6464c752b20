"""Small classifiers of 8x8 images: an honest one, and wrappers that hide its gradients."""

import torch
from torch import nn
from torch.nn import functional

from zsrobust.attacks.losses import cross_entropy
from zsrobust.attacks.pgd import pgd
from zsrobust.selfcheck.plan import Plan
from zsrobust.threat_model import ThreatModel

SIZE, CLASSES = 8, 4
TINY = Plan(
    n=40,
    queries=150,
    steps=8,
    apgd_steps=12,
    more_steps=16,
    batches=(1, 8, 64),
    bf16_images=16,
    fp16_images=16,
)
"""Enough for forty images of this size."""


def patterns():
    """One pattern of -1 and 1 a class, (C, 3, S, S)."""
    generator = torch.Generator().manual_seed(1)
    return (torch.rand(CLASSES, 3, SIZE, SIZE, generator=generator) > 0.5).float() * 2 - 1


def images(faintest, strongest, count=40, seed=0):
    """Grey pixels with the pattern of their class, as strong as said in 1/255, and labels.

    A linear classifier is overturned by an eps of about the strength of the pattern.
    """
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % CLASSES
    strength = torch.linspace(faintest, strongest, count).view(-1, 1, 1, 1) / 255
    noise = 0.02 * torch.rand(count, 3, SIZE, SIZE, generator=generator)
    return 0.5 + patterns()[labels] * strength + noise, labels


def linear(scale=30.0):
    """The nearest pattern: as robust as the images are clear, and honestly so."""
    weight = patterns().flatten(1)
    return lambda pixels: scale / SIZE * (pixels - 0.5).flatten(1) @ weight.T


def saturated():
    """Logits so large that softmax is exactly one."""
    return linear(1e6)


def quantised(levels=32):
    """Pixels rounded to a few levels: a gradient of exactly zero."""
    return lambda pixels: linear()((pixels * levels).round() / levels)


def detached():
    """The same, out of autograd's sight."""
    return lambda pixels: quantised()(pixels.detach())


def resizing():
    """Pixels resized to a random size and back."""

    def classifier(pixels):
        side = int(torch.randint(SIZE - 3, SIZE + 4, ()))
        smaller = functional.interpolate(pixels, size=(side, side), mode="bilinear")
        return linear()(functional.interpolate(smaller, size=(SIZE, SIZE), mode="bilinear"))

    return classifier


def noisy(amount=0.05):
    """Noise on the pixels."""
    return lambda pixels: linear()(pixels + amount * torch.randn_like(pixels))


def batch_dependent():
    """Logits from which the mean over the batch is taken."""

    def classifier(pixels):
        logits = linear()(pixels)
        return logits - 0.9 * logits.mean(0, keepdim=True)

    return classifier


def constant():
    """One answer for everything, though with a gradient."""
    bias = 1e3 * torch.eye(CLASSES)[1]
    return lambda pixels: 1e-3 * linear()(pixels) + bias


def adversarially_trained(pixels, labels, steps=40):
    """A small network trained on its own adversarial images."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * SIZE**2, CLASSES)
    )
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    threat = ThreatModel("linf", 4 / 255)
    for _ in range(steps):
        attacked = pgd(
            lambda some: cross_entropy(network(some - 0.5), labels),
            pixels, threat, steps=3, step_size=2 / 255, start=pixels,
        )  # fmt: skip
        optimiser.zero_grad()
        cross_entropy(network(attacked - 0.5), labels).mean().backward()
        optimiser.step()
    return lambda some: network(some - 0.5)
