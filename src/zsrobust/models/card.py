"""A model's card: what it is, what it has seen, what was measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from zsrobust.settings import StrictModel, parse, read_yaml


class Accuracy(StrictModel):
    """Top-1 accuracy on `n` images of a dataset, beside chance: one over the number of classes."""

    top1: float = Field(ge=0, le=1)
    n: int = Field(gt=0)
    chance: float = Field(ge=0, le=1)


class Card(StrictModel):
    """What a model says of itself; `card.yaml` beside its weights.

    tuned_on: the datasets that it was fine-tuned on, bases included.
    """

    name: str
    description: str
    data: str
    steps: int
    images_seen: int
    seed: int
    command: str
    licence: str
    sha256: str | None = None
    canary_eps: str | None = None
    accuracy: dict[str, Accuracy] = Field(default_factory=dict)
    notes: list[str] = Field(default_factory=list)
    base: dict[str, str] | None = None
    recipe: dict[str, Any] | None = None
    tuned_on: list[str] = Field(default_factory=list)


def read_card(folder: Path) -> Card | None:
    """The card in a model's folder, None where there is none."""
    path = folder / "card.yaml"
    return parse(Card, read_yaml(path), str(path)) if path.is_file() else None


def card_text(card: Card) -> str:
    """A card as YAML, in the order in which a reader wants it."""
    content = card.model_dump(exclude_none=True)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
