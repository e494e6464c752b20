"""A small convolutional net over scenes at 32 pixels, trained in about a minute."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from zsrobust.attacks.ball import random_start
from zsrobust.attacks.pgd import pgd
from zsrobust.data.dataset import Dataset
from zsrobust.data.pixels import read_pixels
from zsrobust.threat_model import ThreatModel

SIDE = 32
IMAGES, BATCH, UPDATES, RAMP = 8000, 128, 400, 200
"""RAMP: over how many updates the radius of the inner attack grows to its full size."""


def convnet(classes: int) -> nn.Sequential:
    """An untrained net: pixels (B, 3, 32, 32) in [0, 1] -> logits (B, classes)."""
    return nn.Sequential(
        nn.Conv2d(3, 24, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(24, 48, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(48, 64, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(64 * (SIDE // 8) ** 2, 128),
        nn.ReLU(),
        nn.Linear(128, classes),
    )


def train_convnet(dataset: Dataset, eps: float, seed: int = 0) -> nn.Sequential:
    """The net after `UPDATES` steps on the first images of `dataset`, in eval mode.

    eps: L-inf radius of the two-step PGD inside training; 0 trains on clean images.
    """
    pixels = read_pixels(dataset, range(IMAGES), SIDE)
    labels = torch.tensor(dataset.labels[:IMAGES] if dataset.labels else [])
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = convnet(len(dataset.class_names))
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    for update in range(UPDATES):
        chosen = torch.randint(IMAGES, (BATCH,), generator=generator)
        images, answers = pixels[chosen], labels[chosen]
        if eps:
            ids = [dataset.ids[position] for position in chosen.tolist()]
            threat = ThreatModel("linf", eps * min(1.0, (update + 1) / RAMP))
            images = _attacked(net, images, answers, ids, threat, (seed, update))
        loss = functional.cross_entropy(net(images), answers)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net.eval()


def _attacked(
    net: nn.Module,
    images: Tensor,
    labels: Tensor,
    ids: list[str],
    threat: ThreatModel,
    key: tuple[int, int],
) -> Tensor:
    def loss(pixels: Tensor) -> Tensor:
        return functional.cross_entropy(net(pixels), labels, reduction="none")

    start = random_start(images, ids, threat, *key)
    return pgd(loss, images, threat, steps=2, step_size=threat.eps / 2, start=start)
