"""The victims of the benchmarks: made here on first use, none shipped.

    python benchmarks/victims.py --data-root DIR

makes them all. `Source` says what each is; the two photographic ones need --data-root.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

import zsrobust as zr
from strength_convnet import SIDE, convnet, train_convnet
from zsrobust.attacks.measuring import measuring
from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.data.catalogue import load_dataset
from zsrobust.data.dataset import Dataset
from zsrobust.data.pixels import read_pixels
from zsrobust.errors import DataError
from zsrobust.records.atomic import replacing
from zsrobust.threat_model import parse_eps

FOLDER = Path("runs/attack-strength/victims")
BATCH = 64
"""How many images are attacked at once, on either side."""


@dataclass(frozen=True)
class Source:
    """What a victim is asked, and how it is made.

    task: whose test images it is attacked on, at `side` pixels. radii: norm -> eps. Of the images
    that a defended victim gets right, 20 to 60 % survive APGD-CE at these.
    base: the bundled model, or "" for the small convolutional net. recipe, train: how and on what
    the base is fine-tuned. inner_eps: of the net's adversarial training. Without these, undefended.
    """

    task: str
    side: int
    radii: dict[str, str]
    base: str = ""
    recipe: str = ""
    train: str = ""
    inner_eps: str = ""

    @property
    def needs_data(self) -> bool:
        """Whether its images lie outside the package."""
        return not self.task.startswith("scenes-")


TEXTURES = ("scenes-textures", 56, {"linf": "4/255", "l2": "0.5"})
COLOURS = ("scenes-colours", SIDE, {"linf": "12/255", "l2": "1.25"})
PHOTOS = ("tinyimagenet", 64, {"linf": "1.5/255", "l2": "0.3"})

SOURCES = {
    "scenes-tecoa": Source(
        *TEXTURES, base="scenes-tiny", recipe="tecoa-quick", train="scenes-objects"
    ),
    "scenes-tiny": Source(*TEXTURES, base="scenes-tiny"),
    "convnet-robust": Source(*COLOURS, inner_eps="8/255"),
    "convnet-plain": Source(*COLOURS),
    "photos-tecoa": Source(*PHOTOS, base="photos-mini", recipe="tecoa-mini", train="tinyimagenet"),
    "photos-mini": Source(*PHOTOS, base="photos-mini"),
}


@dataclass(frozen=True)
class Images:
    """Images that a victim gets right when clean: ids, pixels (n, 3, S, S), labels (n,)."""

    ids: tuple[str, ...]
    pixels: Tensor
    labels: Tensor

    def __len__(self) -> int:
        """How many there are."""
        return len(self.ids)

    def first(self, count: int) -> Images:
        """The first `count` of them."""
        return Images(self.ids[:count], self.pixels[:count], self.labels[:count])


@dataclass(frozen=True)
class Victim:
    """A classifier under attack, in eval mode: pixels in [0, 1] -> logits; and its test images."""

    name: str
    source: Source
    classifier: nn.Module
    dataset: Dataset

    @property
    def classes(self) -> int:
        """How many classes it tells apart."""
        return len(self.dataset.class_names)

    def images(self, count: int) -> Images:
        """The first `count` test images, by id, that it gets right when clean."""
        parts: list[Images] = []
        for start in range(0, len(self.dataset), BATCH):
            parts.append(self._right(range(start, min(start + BATCH, len(self.dataset)))))
            if sum(map(len, parts)) >= count:
                break
        ids = tuple(sample for part in parts for sample in part.ids)
        pixels = torch.cat([part.pixels for part in parts])
        return Images(ids, pixels, torch.cat([part.labels for part in parts])).first(count)

    def _right(self, positions: Sequence[int]) -> Images:
        answers = self.dataset.labels or ()
        pixels = read_pixels(self.dataset, positions, self.source.side)
        labels = torch.tensor([answers[position] for position in positions])
        with measuring(self.classifier), torch.no_grad():
            right = self.classifier(pixels).argmax(1) == labels
        kept = [positions[row] for row in right.nonzero().squeeze(1).tolist()]
        return Images(tuple(self.dataset.ids[i] for i in kept), pixels[right], labels[right])


def load_victim(name: str, folder: Path = FOLDER, data_root: Path | None = None) -> Victim:
    """A victim by name, on the CPU; trained on first use and then read from `folder`.

    Raises DataError where `data_root` does not hold the images that it needs.
    """
    source = SOURCES[name]
    dataset = load_dataset(source.task, data_root=data_root)
    if not source.base:
        return Victim(name, source, _convnet(folder / f"{name}.pt", source, dataset), dataset)
    model = zr.load_model(source.base, "cpu")
    if source.recipe:
        out = folder / name
        model = zr.finetune(
            source.recipe, model, source.train, out, data_root=data_root, device="cpu"
        )
    classifier = classifier_of(model, dataset.class_names, dataset.templates)
    return Victim(name, source, classifier, dataset)


def _convnet(path: Path, source: Source, dataset: Dataset) -> nn.Module:
    net = convnet(len(dataset.class_names))
    if not path.exists():
        eps = parse_eps(source.inner_eps or 0)
        trained = train_convnet(load_dataset(source.task, split="train"), eps)
        with replacing(path) as hidden:
            torch.save(trained.state_dict(), hidden)
    net.load_state_dict(torch.load(path, weights_only=True))
    return net.eval()


def main() -> None:
    """Makes every victim whose images are at hand."""
    parser = argparse.ArgumentParser(description="Makes the victims of the benchmarks.")
    parser.add_argument("--out", type=Path, default=FOLDER, help="where they are kept")
    parser.add_argument("--data-root", type=Path, help="where tinyimagenet lies")
    options = parser.parse_args()
    for name in SOURCES:
        try:
            victim = load_victim(name, options.out, options.data_root)
        except DataError as error:
            print(f"{name}: skipped. {error}")
        else:
            print(f"{name}: {victim.classes} classes, {victim.source.task}")


if __name__ == "__main__":
    main()
