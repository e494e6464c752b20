"""Classifiers small enough to attack to the end in a moment; ids and images to go with them."""

import torch
from torch import nn
from torch.nn import functional


def draws(seed):
    return torch.Generator().manual_seed(seed)


def images(count, size=6, seed=0, low=0.3, high=0.7):
    """Random pixels (count, 3, size, size) that keep clear of 0 and 1 unless told otherwise."""
    return low + (high - low) * torch.rand(count, 3, size, size, generator=draws(seed))


def names(count):
    return [f"image-{i}" for i in range(count)]


class RowByRow(nn.Module):
    """Weights of one linear layer, multiplied out so that no row's rounding depends on others."""

    def __init__(self, classes=5, size=6, seed=1, scale=0.1):
        super().__init__()
        weight = torch.randn(classes, 3 * size * size, generator=draws(seed)) * scale
        self.weight = nn.Parameter(weight)

    def forward(self, pixels):
        return ((pixels.flatten(1) - 0.5)[:, None] * self.weight).sum(2)


class Small(nn.Module):
    """A perceptron with dropout, left in training mode: measured, it must be in evaluation mode."""

    def __init__(self, classes=5, size=6, width=24, seed=2):
        super().__init__()
        self.drop = nn.Dropout(0.5)
        first = torch.randn(width, 3 * size * size, generator=draws(seed)) / 4
        self.first = nn.Parameter(first)
        self.second = nn.Parameter(torch.randn(classes, width, generator=draws(seed + 1)) / 4)

    def forward(self, pixels):
        hidden = functional.linear(pixels.flatten(1) - 0.5, self.first).relu()
        return functional.linear(self.drop(hidden), self.second)


def own_labels(model, pixels):
    """What the model says of the pixels as it is measured: (B,) int64."""
    mode = isinstance(model, nn.Module) and model.training
    if mode:
        model.eval()
    with torch.no_grad():
        labels = model(pixels).argmax(1)
    if mode:
        model.train()
    return labels


def fooled(result):
    return torch.tensor([status == "fooled" for status in result.status])
