"""TGA-ZSR's maps and distances from their equations: dense, and no code of the package's rooms."""

import torch
from torch.nn.functional import interpolate


def dense(maps):
    return interpolate(maps[:, None], size=(224, 224), mode="bilinear", align_corners=False)[:, 0]


def attention(features, text):
    """Token-axis norm over all tokens, CLS too; scores; min-max on the grid: (B, h, w)."""
    tokens = torch.cat([features.pooled[:, None], features.patches], 1)
    unit = tokens / (tokens**2).sum(1, keepdim=True).sqrt()
    scores = (unit[:, 1:] * text[:, None]).sum(2)
    low, high = scores.amin(1, keepdim=True), scores.amax(1, keepdim=True)
    return ((scores - low) / (high - low)).view(-1, *features.grid)


def apart(distance, a, b):
    """The mean over images of a distance between dense maps."""
    if distance == "l2":
        return ((a - b) ** 2).sum((1, 2)).sqrt().mean()
    if distance == "l1":
        return (a - b).abs().mean()
    lengths = (a**2).sum((1, 2)).sqrt() * (b**2).sum((1, 2)).sqrt()
    return (1 - (a * b).sum((1, 2)) / lengths).mean()


def token_gradient(term, features):
    """Norm of a scalar's gradient in the tower's output."""
    parts = torch.autograd.grad(
        term, (features.pooled, features.patches), retain_graph=True, allow_unused=True
    )
    return torch.sqrt(sum((part**2).sum() for part in parts if part is not None))
