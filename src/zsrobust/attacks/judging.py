"""The verdict on pixels: in fp32, without gradient, on the very pixels that are returned."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from zsrobust.attacks.batches import in_batches
from zsrobust.attacks.looking import Logits
from zsrobust.attacks.losses import cross_entropy, margin
from zsrobust.errors import PixelsError


@dataclass
class Verdict:
    """What a model says of pixels: (n,) each.

    ranking: (n, C), the true class first, then the others from the best logit on.
    """

    prediction: Tensor
    margin: Tensor
    loss: Tensor
    ranking: Tensor

    def copy(self) -> Verdict:
        """Another one, to be changed."""
        return Verdict(
            self.prediction.clone(), self.margin.clone(), self.loss.clone(), self.ranking
        )

    def take(self, rows: Tensor, other: Verdict, there: Tensor) -> None:
        """In `rows` what `other` says in its rows `there`, (k,) int64 each."""
        self.prediction[rows] = other.prediction[there]
        self.margin[rows] = other.margin[there]
        self.loss[rows] = other.loss[there]


def judge(
    logits_of: Logits, pixels: Tensor, labels: Tensor, batch_size: int, votes: int = 1
) -> Verdict:
    """Predictions, margins and cross-entropies of pixels (n, 3, H, W).

    votes: forwards that vote on the prediction (randomised classifiers); margin and loss are then
    those of the mean logits. Raises PixelsError for labels that the logits do not have.
    """
    with torch.no_grad():
        draws = [in_batches(logits_of, pixels, batch_size) for _ in range(votes)]
    logits = draws[0] if votes == 1 else torch.stack(draws).mean(0)
    classes = logits.shape[1]
    if int(labels.max()) >= classes or int(labels.min()) < 0:
        raise PixelsError(
            f"labels must lie in [0, {classes}), the number of classes; "
            f"got [{int(labels.min())}, {int(labels.max())}]."
        )
    prediction = logits.argmax(1)
    if votes > 1:
        counts = torch.stack([functional.one_hot(draw.argmax(1), classes) for draw in draws])
        prediction = counts.sum(0).argmax(1)
    return Verdict(
        prediction,
        margin(logits, labels),
        cross_entropy(logits, labels),
        logits.scatter(1, labels[:, None], torch.inf).argsort(dim=1, descending=True, stable=True),
    )
