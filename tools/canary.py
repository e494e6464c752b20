"""The canary of a model: the least radius at which APGD leaves under 0.5 % right, undefended.

    python tools/canary.py scenes-tiny --dataset scenes-colours scenes-heldout scenes-textures
    python tools/canary.py photos-mini --dataset cifar10 tinyimagenet --data-root DIR

It goes on the model's card as `canary_eps`. On the first `--images` of each set; the radius is the
first of `RADII` at which every set falls below.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch

import zsrobust as zr
from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.data.catalogue import load_dataset
from zsrobust.data.pixels import read_pixels
from zsrobust.models.model import Model

RADII = ("1/255", "2/255", "3/255", "4/255", "5/255", "6/255", "8/255", "12/255")
BELOW = 0.005
ATTACK = "apgd-ce+t"


def canary_eps(
    model: Model,
    names: Sequence[str],
    data_root: Path | None = None,
    *,
    images: int = 200,
    radii: Sequence[str] = RADII,
) -> str | None:
    """The least of `radii` at which under 0.5 % stays right on every set; None where none is."""
    for eps in radii:
        kept = {name: _robust(model, name, data_root, images, eps) for name in names}
        print(eps, *(f"{name} {share:.1%}" for name, share in kept.items()), flush=True)
        if max(kept.values()) < BELOW:
            return eps
    return None


def _robust(model: Model, name: str, data_root: Path | None, images: int, eps: str) -> float:
    dataset = load_dataset(name, data_root=data_root).first(images)
    classifier = classifier_of(model, dataset.class_names, dataset.templates)
    pixels = read_pixels(dataset, range(len(dataset)), model.image_size)
    labels = torch.tensor(dataset.labels)
    ids = list(dataset.ids)
    return zr.attack(classifier, pixels, labels, attack=ATTACK, eps=eps, ids=ids).robust_accuracy


def main() -> None:
    """Prints what is left at each radius, then the canary."""
    parser = argparse.ArgumentParser(description="The canary radius of an undefended model.")
    parser.add_argument("model")
    parser.add_argument("--dataset", nargs="+", required=True)
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--radii", nargs="+", default=list(RADII))
    options = parser.parse_args()
    found = canary_eps(
        zr.load_model(options.model),
        options.dataset,
        options.data_root,
        images=options.images,
        radii=options.radii,
    )
    print(f"canary_eps: {found}")


if __name__ == "__main__":
    main()
