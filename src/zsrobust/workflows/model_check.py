"""Whether a model does what its card, or the paper, says: clean accuracy against the claim."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from zsrobust.classifier.zero_shot import load_classifier
from zsrobust.data.catalogue import load_dataset
from zsrobust.data.dataset import Dataset
from zsrobust.data.pixels import read_pixels
from zsrobust.errors import DataError, InputError
from zsrobust.models.card import Card
from zsrobust.models.catalogue import ModelEntry, model_entry, model_names
from zsrobust.models.load import load_model
from zsrobust.models.model import Model
from zsrobust.records.chance import chance
from zsrobust.records.intervals import Interval, Rate, rate, wilson

_AT_ONCE = 64
# Printed figures carry one decimal, and come from other decoders and prompt texts than ours.
_TOLERANCE = 0.005


@dataclass(frozen=True)
class Claim:
    """A clean accuracy in [0, 1] as somebody states it; n images, None where unsaid."""

    value: float
    n: int | None
    by: str
    prompts: str | None

    @property
    def interval(self) -> Interval:
        """Its 95 % interval; without n the value itself, give or take what it was rounded by."""
        if self.n is None:
            return Interval(max(0.0, self.value - _TOLERANCE), min(1.0, self.value + _TOLERANCE))
        return wilson(round(self.value * self.n), self.n)


@dataclass(frozen=True)
class ModelCheck:
    """A measured clean accuracy beside the claim. variant: of the images (`official`, ...)."""

    model: str
    dataset: str
    variant: str
    measured: Rate
    claim: Claim
    chance: float

    @property
    def agrees(self) -> bool:
        """Whether the two 95 % intervals overlap."""
        here, there = self.measured.interval, self.claim.interval
        return here.low <= there.high and there.low <= here.high

    @property
    def sentence(self) -> str:
        """Both figures and what follows, in a few lines."""
        here, claim = self.measured, self.claim
        low, high = 100 * here.interval.low, 100 * here.interval.high
        images = "" if claim.n is None else f", n = {claim.n:,}"
        said = (
            f"{self.model} on {self.dataset} ({self.variant}): {100 * here.value:.1f} % here "
            f"({low:.1f} to {high:.1f}, n = {here.n:,}), {100 * claim.value:.1f} % by {claim.by}"
            f"{images}: they {'agree' if self.agrees else 'DISAGREE'}."
        )
        return said if self.agrees else f"{said}\n{self._suspicion}"

    @property
    def _suspicion(self) -> str:
        at_chance = self.measured.interval.low <= self.chance
        if at_chance and self.claim.interval.low > self.chance:
            return (
                f"No better than chance ({100 * self.chance:.1f} %): most likely the text tower or "
                "the tokenizer is not the one that these weights were trained with."
            )
        return (
            "Above chance, but not the same: look at the activation (QuickGELU or GELU), the mean "
            "and std, the prompts and class names, and at whether these are the same images."
        )


def check_model(
    model: str | Path | Model,
    dataset: str,
    *,
    data_root: str | Path | None = None,
    limit: int | None = None,
    device: str = "auto",
) -> ModelCheck:
    """The model's clean accuracy on a set for which its card, or its entry, states one.

    A wrong text tower, tokenizer or activation raises no error anywhere: it only costs accuracy.
    limit: the first n ids; default: as many as the claim is about.
    Raises InputError where nobody states a figure for that set.
    """
    loaded = load_model(model, device)
    entry = model_entry(loaded.name) if loaded.name in model_names() else None
    claim = _claim(loaded, entry, dataset)
    name, _, split = dataset.partition("/")
    images = load_dataset(name, split=split or "test", data_root=data_root, prompts=claim.prompts)
    if images.labels is None:
        raise DataError(f"{dataset} has no labels: accuracy is not defined.")
    wanted = limit or claim.n or len(images)
    if wanted < len(images):
        images = images.first(wanted)
    labels = list(images.labels or ())
    right = _count_right(loaded, images, labels)
    return ModelCheck(
        loaded.name, dataset, images.variant, rate(right, len(labels)), claim, chance(labels)
    )


def _claim(model: Model, entry: ModelEntry | None, dataset: str) -> Claim:
    card: Card | None = model.card or (entry.card if entry else None)
    if card is not None and dataset in card.accuracy:
        stated = card.accuracy[dataset]
        return Claim(stated.top1, stated.n, "its card", prompts=None)
    published = [each for each in entry.published if each.metric == "clean"] if entry else []
    for each in published:
        if each.dataset == dataset:
            by = f"{each.source} ({each.protocol})"
            return Claim(each.value / 100, None, by, each.prompts)
    stated_for = sorted({*(card.accuracy if card else ()), *(each.dataset for each in published)})
    known = f" It has figures for: {', '.join(stated_for)}." if stated_for else ""
    raise InputError(
        f"Neither a card nor an entry of {model.name} states a clean accuracy on {dataset}.{known}"
    )


@torch.no_grad()
def _count_right(model: Model, images: Dataset, labels: list[int]) -> int:
    classifier = load_classifier(
        model, images.class_names, images.templates, str(model.device), known_duplicates=True
    )
    right = 0
    for start in range(0, len(labels), _AT_ONCE):
        positions = range(start, min(start + _AT_ONCE, len(labels)))
        pixels = read_pixels(images, positions, model.image_size).to(model.device)
        truth = torch.tensor([labels[position] for position in positions])
        right += int((classifier(pixels).argmax(1).cpu() == truth).sum())
    return right
