"""The contrastive pretraining of `scenes-tiny`, resumable to the step."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, log_softmax, normalize

from tools.pretraining.scenes_data import Batch, draw_batch, rendered
from tools.pretraining.scenes_model import CONFIG, MEAN, NAME, STD, TEXT, accuracies
from zsrobust.classifier.preprocess import Preprocess
from zsrobust.models.build import build_clip

LOG_EVERY, SAVE_EVERY, WARMUP = 200, 1000, 300


@dataclass(frozen=True)
class Plan:
    """How long and how fast to train; `lr` is the peak of a cosine that ends at `steps`."""

    steps: int
    images: int
    lr: float
    batch: int = 128
    seed: int = 0


def contrast(images: Tensor, texts: Tensor, which: Tensor, scale: Tensor) -> Tensor:
    """Symmetric contrastive loss of unit images (B, D) and distinct unit texts (T, D).

    which: (B,) the text of each image. A text's positives are all its images: CLIP's objective
    (Radford et al. 2021, section 2.3) without its false negatives.
    """
    logits = scale * images @ texts.T
    to_text = cross_entropy(logits, which)
    positive = (which[None] == torch.arange(len(texts))[:, None]).float()
    to_image = -(log_softmax(logits.T, 1) * positive).sum(1) / positive.sum(1)
    return (to_text + to_image.mean()) / 2


def train(work: Path, plan: Plan) -> nn.Module:
    """The trained CLIP; log lines go to stdout, `work/state.pt` is replaced atomically."""
    torch.manual_seed(plan.seed)
    images, scenes = rendered(work, plan.images)
    clip = build_clip(CONFIG, NAME)
    optimizer = torch.optim.AdamW(
        clip.parameters(), lr=plan.lr, betas=(0.9, 0.98), weight_decay=0.05
    )
    parts = {"clip": clip, "optimizer": optimizer}
    first = _resume(work / "state.pt", parts)
    losses_of, began = _objective(clip), time.time()
    for step in range(first, plan.steps):
        batch = draw_batch(images, scenes, plan.batch, (plan.seed, step))
        for group in optimizer.param_groups:
            group["lr"] = _rate(plan, step)
        losses = losses_of(batch)
        optimizer.zero_grad(set_to_none=True)
        torch.stack(losses).sum().backward()
        nn.utils.clip_grad_norm_(clip.parameters(), 1.0)
        optimizer.step()
        done = step + 1
        if done % LOG_EVERY == 0:
            speed = (done - first) * plan.batch / (time.time() - began)
            _log(step=done, images_per_second=round(speed), shape_loss=round(float(losses[0]), 3))
        if done % SAVE_EVERY == 0 or done == plan.steps:
            _save(work / "state.pt", parts, done)
            _log(step=done, **accuracies(clip, "val", 500))
    return clip


def _objective(clip: Any) -> Callable[[Batch], list[Tensor]]:
    """Batch -> the contrastive loss of each caption form; the image tower runs in bfloat16."""
    preprocess = Preprocess(CONFIG["vision_cfg"]["image_size"], MEAN, STD)
    tokenizer = SimpleTokenizer(context_length=TEXT["context_length"])

    def losses_of(batch: Batch) -> list[Tensor]:
        with torch.autocast("cpu", torch.bfloat16):
            embedded = clip.visual(preprocess(batch.pixels))
        embedded = normalize(embedded.float(), dim=-1)
        told = batch.captions
        tokens = tokenizer([text for captions in told for text in captions.texts])
        texts = normalize(clip.encode_text(tokens), dim=-1)
        scale = clip.logit_scale.exp().clamp(max=100)
        return [
            contrast(embedded, some, captions.which, scale)
            for some, captions in zip(texts.split([len(c.texts) for c in told]), told, strict=True)
        ]

    return losses_of


def _rate(plan: Plan, step: int) -> float:
    cosine = 0.5 * (1 + math.cos(math.pi * step / plan.steps))
    return plan.lr * min((step + 1) / WARMUP, cosine + 1e-3)


def _resume(path: Path, parts: dict[str, Any]) -> int:
    if not path.exists():
        return 0
    saved = torch.load(path, weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(saved[name])
    return int(saved["step"])


def _save(path: Path, parts: dict[str, Any], step: int) -> None:
    partial = path.with_suffix(".partial")
    torch.save({name: part.state_dict() for name, part in parts.items()} | {"step": step}, partial)
    os.replace(partial, path)


def _log(**line: float) -> None:
    print(json.dumps(line), flush=True)
