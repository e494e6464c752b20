"""The architecture of `scenes-tiny`, and its accuracy on the tasks."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import torch
from open_clip.tokenizer import SimpleTokenizer
from torch import nn

from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.data.scenes import TASKS, SceneTask, describe, render, task_ids
from zsrobust.models.model import Model

NAME = "scenes-tiny"
VISION = {"image_size": 56, "layers": 4, "width": 128, "head_width": 32, "patch_size": 8}
TEXT = {"context_length": 32, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2}
CONFIG: dict[str, Any] = {"embed_dim": 96, "vision_cfg": VISION, "text_cfg": TEXT}
MEAN, STD = (0.45, 0.45, 0.45), (0.25, 0.25, 0.25)


def as_model(clip: nn.Module) -> Model:
    """The CLIP under training with its tokenizer and preprocessing."""
    tokenizer = SimpleTokenizer(context_length=TEXT["context_length"])
    return Model(NAME, clip, tokenizer, 56, MEAN, STD, CONFIG, "tools/pretrain_scenes.py")


@torch.no_grad()
def accuracies(clip: nn.Module, split: str, count: int) -> dict[str, float]:
    """Top-1 accuracy on the first `count` scenes of each task in a split, by number."""
    # A copy: class embeddings are remembered for each module, and these are of one moment.
    snapshot = as_model(copy.deepcopy(clip).eval())
    return {task.name: _accuracy(snapshot, task, split, count) for task in TASKS.values()}


def _accuracy(model: Model, task: SceneTask, split: str, count: int) -> float:
    part = task_ids(task, split)
    images = np.stack([render(describe(scene_id)).image for scene_id in part.ids[:count]])
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    classifier = classifier_of(model, task.class_names, task.templates)
    right = torch.cat([classifier(some).argmax(1) for some in pixels.split(250)])
    labels = torch.tensor(part.labels[:count])
    return round(float((right == labels).float().mean()), 4)
