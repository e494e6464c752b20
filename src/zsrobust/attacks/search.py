"""What an attack is to the engine: settings that begin searches, and searches that take turns.

The engine decides whom to look at, makes the forward and the backward, judges and counts; a search
says which pixels to look at next and learns from what was seen. Its rows know nothing of each
other, so that no image's fate depends on its batch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from zsrobust.attacks.rows import Rows
from zsrobust.threat_model import ThreatModel

Iterate = Literal["best", "last"]


@dataclass(frozen=True)
class Case:
    """What a round of an attack begins with: k images, all classified correctly when clean.

    clean: (k, 3, H, W) in [0, 1]. labels: (k,) int64. ranking: (k, C), the true class first, then
    the others by clean logit. ids name the images' random numbers, beside `seed`.
    """

    clean: Tensor
    labels: Tensor
    ranking: Tensor
    ids: Sequence[str]
    threat: ThreatModel
    seed: int

    @property
    def classes(self) -> int:
        """How many classes there are."""
        return self.ranking.shape[1]


@dataclass(frozen=True)
class Look:
    """What was seen of a search's rows: pixels (k, 3, H, W), logits (k, C).

    loss (k,), gradient (k, 3, H, W) and its largest element by size, peaks (k,), are None where no
    gradient was asked for.
    """

    pixels: Tensor
    logits: Tensor
    loss: Tensor | None = None
    gradient: Tensor | None = None
    peaks: Tensor | None = None


@dataclass
class Search(Rows, ABC):
    """A round of an attack under way on k images. looks: how many at an image are planned."""

    looks: int

    @abstractmethod
    def wants_gradient(self) -> Tensor:
        """Which rows need a gradient at the coming look, (k,) bool."""

    @abstractmethod
    def pixels(self) -> Tensor:
        """What to look at now, (k, 3, H, W)."""

    @abstractmethod
    def loss(self, logits: Tensor) -> Tensor:
        """What the gradient is taken of, per image (k,): maximised, never averaged over images."""

    @abstractmethod
    def advance(self, look: Look) -> Tensor:
        """Takes in a look; returns which rows have had their last, (k,) bool."""


@dataclass(frozen=True)
class Attack(ABC):
    """The settings of an attack, and how it begins.

    name: what records call it, and part of the key of its random numbers.
    """

    name: str

    @property
    def iterate(self) -> Iterate:
        """`best`: a success at any look counts; `last`: the last look alone is judged."""
        return "best"

    @property
    def stays_inside(self) -> bool:
        """Whether every look is at pixels inside the ball; others are judged only when inside."""
        return True

    def rounds(self, classes: int) -> int:
        """How many searches follow each other: restarts times targets. Each sees who is left."""
        return 1

    def flags(self, classes: int) -> tuple[str, ...]:
        """Health flags that follow from the settings alone."""
        return ()

    @abstractmethod
    def begin(self, case: Case, turn: int) -> Search:
        """The search of round `turn`, counted from 0."""


Cascade = tuple[Attack, ...]
"""Attacks in their order; each is given only the images that the ones before left standing."""
