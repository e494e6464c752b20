"""Distilling the image tower of `photos-mini` against fixed text vectors."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax, normalize, one_hot

from tools.pretraining.photos_views import views
from zsrobust.classifier.preprocess import Preprocess
from zsrobust.models.build import build_clip

CONFIG = {
    "embed_dim": 384,
    "vision_cfg": {
        "image_size": 56,
        "layers": 1,
        "width": 192,
        "head_width": 32,
        "patch_size": 8,
        "mlp_ratio": 2.0,
    },
    "text_cfg": {
        "context_length": 32,
        "vocab_size": 49408,
        "width": 96,
        "heads": 3,
        "layers": 2,
    },
    "conv_stem": {"widths": [32, 64, 192], "blocks": [1, 2, 1]},
}
MEAN, STD = (0.48, 0.45, 0.40), (0.28, 0.27, 0.28)
TEMPERATURE_START = 20.0


class Targets:
    """Teacher answers, true classes and text vectors, as tensors.

    names: list of (candidates, 384) for each node, one candidate drawn a step: a class by its
    ImageNet name or a WordNet word, a hypernym by any of its words.
    """

    def __init__(self, folder: Path) -> None:
        data = np.load(folder / "data.npz")
        self.images = torch.from_numpy(data["images"]).permute(0, 3, 1, 2)
        self.true = torch.from_numpy(data["index1000"].astype(np.int64))
        self.teacher = []
        self.folder = folder
        self.refresh()
        vectors = np.load(folder / "vectors.npz")
        self.table = torch.from_numpy(vectors["table"])
        self.first = torch.from_numpy(vectors["first"])
        self.count = torch.from_numpy(vectors["count"])
        self.classes = torch.from_numpy(vectors["classes"])
        self.cuts = [
            (torch.from_numpy(vectors[f"cut{i}_nodes"]), torch.from_numpy(vectors[f"cut{i}_of"]))
            for i in range(int(vectors["cut_count"]))
        ]

    def refresh(self) -> None:
        """Takes in the crops whose teacher pass has ended meanwhile."""
        for k in range(len(self.teacher), 8):
            path = self.folder / f"teacher_k{k}.npz"
            if not path.exists():
                return
            file = np.load(path)
            self.teacher.append(
                (
                    torch.from_numpy(file["idx"].astype(np.int64)),
                    torch.from_numpy(file["prob"].astype(np.float32)),
                    torch.from_numpy(file["boxes"].astype(np.float32)),
                )
            )

    def vectors(self, nodes: Tensor, generator: torch.Generator) -> Tensor:
        """One candidate vector (len(nodes), 384) of each node, drawn anew."""
        pick = (torch.rand(len(nodes), generator=generator) * self.count[nodes]).long()
        return self.table[self.first[nodes] + pick]


def loss_terms(
    embedded: Tensor,
    scale: Tensor,
    targets: Targets,
    probabilities: Tensor,
    true: Tensor,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Distillation and cross-entropy over the 1,000 names, and over one cut of hypernyms."""
    logits = log_softmax(scale * embedded @ targets.vectors(targets.classes, generator).T, dim=1)
    hard = one_hot(true, 1000).float() * 0.9 + 0.1 / 1000
    nodes, of_class = targets.cuts[int(torch.randint(len(targets.cuts), (1,), generator=generator))]
    mixed = 0.5 * probabilities + 0.5 * one_hot(true, 1000).float()
    summed = torch.zeros(len(true), len(nodes)).index_add_(1, of_class, mixed)
    cut = log_softmax(scale * embedded @ targets.vectors(nodes, generator).T, dim=1)
    return {
        "teacher": -(probabilities * logits).sum(1).mean(),
        "label": -(hard * logits).sum(1).mean(),
        "hypernyms": -0.7 * (summed * cut).sum(1).mean(),
    }


class Student(nn.Module):
    """The image tower behind its preprocessing, and the scale of its cosine logits."""

    def __init__(self) -> None:
        super().__init__()
        self.preprocess = Preprocess(56, MEAN, STD)
        self.visual = build_clip(CONFIG, "photos-mini").visual.to(memory_format=torch.channels_last)
        self.log_scale = nn.Parameter(torch.tensor(math.log(TEMPERATURE_START)))

    def forward(self, pixels: Tensor) -> Tensor:
        """Unit embeddings (B, 384) of pixels (B, 3, 56, 56) in [0, 1]."""
        x = self.preprocess(pixels).contiguous(memory_format=torch.channels_last)
        return normalize(self.visual(x).float(), dim=-1)


def train_image_tower(
    folder: Path, steps: int, batch: int = 256, lr: float = 2e-3, seed: int = 0, save: int = 200
) -> None:
    """Trains for `steps` (resumable: state.pt is replaced atomically every `save` steps)."""
    torch.manual_seed(seed)
    targets, student = Targets(folder), Student()
    average = Student()
    average.load_state_dict(student.state_dict())
    decayed = [p for p in student.parameters() if p.ndim > 1]
    plain = [p for p in student.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}],
        lr=lr,
        betas=(0.9, 0.98),
    )
    step, state = 0, folder / "image_state.pt"
    if state.exists():
        saved = torch.load(state, weights_only=True)
        student.load_state_dict(saved["student"])
        average.load_state_dict(saved["average"])
        optimizer.load_state_dict(saved["optimizer"])
        step = saved["step"]
    began, first = time.time(), step
    per_epoch = len(targets.images) // batch
    while step < steps:
        if step % per_epoch == 0:
            targets.refresh()
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        order = torch.randperm(
            len(targets.images),
            generator=torch.Generator().manual_seed(seed * 7919 + step // per_epoch),
        )
        rows = order[(step % per_epoch) * batch : (step % per_epoch + 1) * batch]
        which = int(torch.randint(len(targets.teacher), (1,), generator=generator))
        index, probability, boxes = (part[rows] for part in targets.teacher[which])
        probabilities = torch.zeros(len(rows), 1000).scatter_(1, index, probability)
        probabilities += ((1 - probabilities.sum(1, keepdim=True)) / 1000).clamp_min(0)
        pixels = views(targets.images[rows].float() / 255, boxes[:, :4], generator)
        rate = lr * min((step + 1) / 300, 0.5 * (1 + math.cos(math.pi * step / steps)) + 0.002)
        for group in optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast("cpu", torch.bfloat16):
            embedded = student(pixels)
        terms = loss_terms(
            embedded, student.log_scale.exp(), targets, probabilities, targets.true[rows], generator
        )
        loss = torch.stack(list(terms.values())).sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(student.parameters(), 5.0)
        optimizer.step()
        step += 1
        _follow(average, student, min(0.998, step / (step + 20)))
        if step % 50 == 0:
            speed = (step - first) * batch / (time.time() - began)
            line = {
                "step": step,
                "of": steps,
                "images_per_second": round(speed),
                "minutes_left": round((steps - step) * batch / speed / 60, 1),
                "scale": round(float(student.log_scale.exp()), 2),
                **{name: round(float(term), 3) for name, term in terms.items()},
            }
            print(json.dumps(line), flush=True)
        if step % save == 0 or step == steps:
            partial = state.with_suffix(".partial")
            torch.save(
                {
                    "student": student.state_dict(),
                    "average": average.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "step": step,
                },
                partial,
            )
            os.replace(partial, state)


@torch.no_grad()
def _follow(average: nn.Module, student: nn.Module, keep: float) -> None:
    pairs = zip(average.state_dict().values(), student.state_dict().values(), strict=True)
    for mean, value in pairs:
        if mean.is_floating_point():
            mean.lerp_(value, 1 - keep)
        else:
            mean.copy_(value)
