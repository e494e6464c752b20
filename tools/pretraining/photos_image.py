"""Distilling the image tower of `photos-mini` against fixed text vectors."""

from __future__ import annotations

import json
import math
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import interpolate, log_softmax, normalize, one_hot

from tools.pretraining.photos_targets import CLASSES, Batch, Targets
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
        "width": 192,
        "heads": 3,
        "layers": 2,
    },
    "conv_stem": {"widths": [32, 64, 192], "blocks": [1, 2, 1]},
}
MEAN, STD = (0.48, 0.45, 0.40), (0.28, 0.27, 0.28)
SCALE_START = 25.0
STATE = "image_state.pt"


@dataclass(frozen=True)
class ImagePlan:
    """Steps of the image stage: warm-up, a constant rate, and a linear decay over the last ones.

    Images of 40 px come first, for `small_steps`, then of 48 px; the decay sees 56 px, and takes
    labels and hypernyms among those that the images have: names without an image are no longer
    pushed away. Up to the decay nothing depends on `steps`: a plan may be shortened meanwhile.
    """

    steps: int
    decay: int
    batch: int = 128
    lr: float = 2e-3
    warmup: int = 300
    small_steps: int = 1000
    seed: int = 0

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        return self.lr * min((step + 1) / self.warmup, 1.0, (self.steps - step) / self.decay)

    def decays(self, step: int) -> bool:
        """Whether a step belongs to the decay."""
        return step >= self.steps - self.decay

    def side(self, step: int) -> int:
        """The side in pixels of the images that a step sees."""
        if self.decays(step):
            return 56
        return 40 if step < self.small_steps else 48


class Student(nn.Module):
    """The image tower and the scale of its cosine logits."""

    def __init__(self) -> None:
        super().__init__()
        self.visual = build_clip(CONFIG, "photos-mini").visual.to(memory_format=torch.channels_last)
        self.log_scale = nn.Parameter(torch.tensor(math.log(SCALE_START)))

    def forward(self, pixels: Tensor) -> Tensor:
        """Unit embeddings (B, 384) of square pixels (B, 3, S, S) in [0, 1], S a multiple of 8."""
        side = pixels.shape[-1]
        x = Preprocess(side, MEAN, STD)(pixels).contiguous(memory_format=torch.channels_last)
        position = {"positional_embedding": _resized(self.visual.positional_embedding, side // 8)}
        return normalize(functional_call(self.visual, position, (x,)).float(), dim=-1)


def _resized(embedding: Tensor, grid: int) -> Tensor:
    """Positional embedding (1 + n * n, D) brought to (1 + grid * grid, D)."""
    before = math.isqrt(len(embedding) - 1)
    if before == grid:
        return embedding
    square = embedding[1:].T.reshape(1, -1, before, before)
    small = interpolate(square, size=(grid, grid), mode="bicubic", align_corners=False)
    return torch.cat([embedding[:1], small.flatten(2)[0].T])


def loss_terms(
    embedded: Tensor,
    scale: Tensor,
    targets: Targets,
    batch: Batch,
    focused: bool,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Distillation and cross-entropy over the 1,000 names, and over one cut of hypernyms.

    focused: cross-entropy and hypernyms among those that have images.
    """
    cosines = embedded @ targets.vectors(targets.classes, generator).T
    true = one_hot(batch.true, CLASSES).float()
    choice = int(torch.randint(len(targets.cuts), (1,), generator=generator))
    nodes, of_class = targets.cuts[choice]
    mixed = 0.5 * batch.probabilities + 0.5 * true
    summed = torch.zeros(len(true), len(nodes)).index_add_(1, of_class, mixed)
    cut = embedded @ targets.vectors(nodes, generator).T
    labels = targets.present if focused else targets.classes
    if focused:
        used = torch.unique(of_class[targets.present])
        cut, summed = cut[:, used], normalize(summed[:, used], p=1, dim=1)
    smooth = 0.9 * true[:, labels] + 0.1 / len(labels)
    return {
        "teacher": _cross_entropy(batch.probabilities, scale * cosines),
        "label": _cross_entropy(smooth, scale * cosines[:, labels]),
        "hypernyms": 0.7 * _cross_entropy(summed, scale * cut),
    }


def _cross_entropy(wanted: Tensor, logits: Tensor) -> Tensor:
    return -(wanted * log_softmax(logits, dim=1)).sum(1).mean()


def train_image_tower(folder: Path, plan: ImagePlan, save: int = 200) -> None:
    """Trains to the end of the plan, or goes on where `image_state.pt` stands."""
    torch.manual_seed(plan.seed)
    targets, student, average = Targets(folder), Student(), Student()
    average.load_state_dict(student.state_dict())
    optimizer = _optimizer(student, plan)
    step = _resume(folder / STATE, student, average, optimizer)
    began, first = time.time(), step
    while step < plan.steps:
        terms = _step(student, optimizer, targets, plan, step)
        step += 1
        _follow(average, student, min(0.999, step / (step + 20)))
        if step % 50 == 0:
            speed = (step - first) * plan.batch / (time.time() - began)
            line = {
                "step": step,
                "of": plan.steps,
                "images_per_second": round(speed),
                "minutes_left": round((plan.steps - step) * plan.batch / speed / 60, 1),
                "scale": round(student.log_scale.exp().item(), 2),
            }
            print(json.dumps(line | terms), flush=True)
        if step % save == 0 or step == plan.steps:
            modules = {"student": student, "average": average, "optimizer": optimizer}
            save_state(folder / STATE, modules, {"step": step, "plan": asdict(plan)})


def save_state(path: Path, modules: dict[str, nn.Module], facts: dict[str, object]) -> None:
    """Replaces a state file atomically by the modules' state dicts and plain facts."""
    partial = path.with_suffix(".partial")
    torch.save({name: module.state_dict() for name, module in modules.items()} | facts, partial)
    os.replace(partial, path)


def _optimizer(student: Student, plan: ImagePlan) -> torch.optim.Optimizer:
    decayed = [p for p in student.parameters() if p.ndim > 1]
    plain = [p for p in student.parameters() if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=plan.lr, betas=(0.9, 0.98), fused=True)


def _resume(
    path: Path, student: Student, average: Student, optimizer: torch.optim.Optimizer
) -> int:
    if not path.exists():
        return 0
    saved = torch.load(path, weights_only=True)
    student.load_state_dict(saved["student"])
    average.load_state_dict(saved["average"])
    optimizer.load_state_dict(saved["optimizer"])
    return int(saved["step"])


def _step(
    student: Student,
    optimizer: torch.optim.Optimizer,
    targets: Targets,
    plan: ImagePlan,
    step: int,
) -> dict[str, float]:
    generator = torch.Generator().manual_seed(plan.seed * 1_000_003 + step)
    batch = targets.batch(step, plan.batch, plan.seed)
    pixels = views(batch.images, batch.boxes, plan.side(step), generator)
    for group in optimizer.param_groups:
        group["lr"] = plan.rate(step)
    with torch.autocast("cpu", torch.bfloat16):
        embedded = student(pixels)
    scale, focused = student.log_scale.exp(), plan.decays(step)
    terms = loss_terms(embedded, scale, targets, batch, focused, generator)
    optimizer.zero_grad(set_to_none=True)
    torch.stack(list(terms.values())).sum().backward()
    nn.utils.clip_grad_norm_(student.parameters(), 5.0)
    optimizer.step()
    return {name: round(term.item(), 3) for name, term in terms.items()}


@torch.no_grad()
def _follow(average: nn.Module, student: nn.Module, keep: float) -> None:
    pairs = zip(average.state_dict().values(), student.state_dict().values(), strict=True)
    for mean, value in pairs:
        if mean.is_floating_point():
            mean.lerp_(value, 1 - keep)
        else:
            mean.copy_(value)
