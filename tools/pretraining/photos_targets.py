"""What the image tower of `photos-mini` is asked for: images, teacher answers, text vectors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

CLASSES = 1000


@dataclass(frozen=True)
class Batch:
    """Images (B, 3, 64, 64) in [0, 1], teacher's boxes (B, 4) and answers (B, 1000), true (B,)."""

    images: Tensor
    boxes: Tensor
    probabilities: Tensor
    true: Tensor


class Targets:
    """The files of the stages `teacher` and `texts`, as tensors.

    Every node (a class or a hypernym) has several names; one is drawn a step: a class by its
    ImageNet name or a WordNet word, a hypernym by any of its words.
    """

    def __init__(self, folder: Path) -> None:
        with np.load(folder / "data.npz") as data:
            self.images = torch.from_numpy(data["images"]).permute(0, 3, 1, 2)
            self.true = torch.from_numpy(data["index1000"].astype(np.int64))
        self.teacher = [_teacher(path) for path in sorted(folder.glob("teacher_k?.npz"))]
        with np.load(folder / "vectors.npz") as vectors:
            self.table = torch.from_numpy(vectors["table"])
            self.first = torch.from_numpy(vectors["first"])
            self.count = torch.from_numpy(vectors["count"])
            self.cuts = [
                tuple(torch.from_numpy(vectors[f"cut{i}_{part}"]) for part in ("nodes", "of"))
                for i in range(int(vectors["cut_count"]))
            ]
        self.classes = torch.arange(CLASSES)
        self.present = torch.unique(self.true)

    def batch(self, step: int, size: int, seed: int) -> Batch:
        """The batch of a step: a fresh order every epoch, one of the teacher's crops a batch."""
        per_epoch = len(self.images) // size
        shuffle = torch.Generator().manual_seed(seed * 7919 + step // per_epoch)
        order = torch.randperm(len(self.images), generator=shuffle)
        rows = order[(step % per_epoch) * size : (step % per_epoch + 1) * size]
        index, probability, boxes = (part[rows] for part in self.teacher[step % len(self.teacher)])
        answers = torch.zeros(size, CLASSES).scatter_(1, index, probability)
        answers += ((1 - answers.sum(1, keepdim=True)) / CLASSES).clamp_min(0)
        return Batch(self.images[rows].float() / 255, boxes, answers, self.true[rows])

    def vectors(self, nodes: Tensor, generator: torch.Generator) -> Tensor:
        """One unit vector (len(nodes), 384) of each node, its name drawn anew."""
        pick = (torch.rand(len(nodes), generator=generator) * self.count[nodes]).long()
        return self.table[self.first[nodes] + pick]


def _teacher(path: Path) -> tuple[Tensor, Tensor, Tensor]:
    with np.load(path) as file:
        return (
            torch.from_numpy(file["idx"].astype(np.int64)),
            torch.from_numpy(file["prob"].astype(np.float32)),
            torch.from_numpy(file["boxes"][:, :4].astype(np.float32)),
        )
