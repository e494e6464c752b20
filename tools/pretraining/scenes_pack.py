"""The bundled folder of `scenes-tiny`: trimmed weights, config, card with measured accuracies."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import nn

from tools.pretraining.scenes_model import NAME, accuracies, as_model
from tools.pretraining.scenes_train import Plan
from zsrobust.classifier.class_embeddings import embed_texts
from zsrobust.data.scenes import TASKS, captions, describe, scene_ids, task_ids
from zsrobust.models.card import Accuracy, Card, card_text
from zsrobust.models.folder import WEIGHTS, load_folder, save_folder
from zsrobust.models.token_table import trim_token_table

MEASURED = 2000
NOTES = [
    "Trained by us on pictures that we render. Nothing here predicts OpenAI's CLIP.",
    "It has seen all classes of all tasks, held-out shapes included: 'held out' is said of "
    "fine-tuning.",
    "Words that no caption of the world holds have zero token vectors.",
]


def pack(clip: nn.Module, folder: Path, plan: Plan, command: str) -> None:
    """Writes `folder`, then proves that what is loaded from it embeds every prompt alike.

    Raises SystemExit if it does not.
    """
    model, texts = as_model(clip.eval()), _texts()
    rows = sorted({0, *model.tokenizer(texts).flatten().tolist()})
    save_folder(model, folder, state=trim_token_table(dict(clip.state_dict()), rows))
    (folder / WEIGHTS).chmod(0o644)
    card = _card(clip, plan, command, hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest())
    (folder / "card.yaml").write_text(card_text(card), encoding="utf-8")
    if not torch.equal(embed_texts(model, texts), embed_texts(load_folder(folder, NAME), texts)):
        raise SystemExit(f"{folder}: the trimmed file does not embed the world's prompts alike.")


def _texts() -> list[str]:
    """Every prompt of the tasks and the captions of enough scenes to hold every word."""
    told = {text for i in scene_ids("pretrain")[:4000] for text in captions(describe(i))}
    names = [(task, name) for task in TASKS.values() for name in task.class_names]
    told |= {template.format(name) for task, name in names for template in task.templates}
    return sorted(told | {f"This is a photo of a {name}" for _, name in names})


def _card(clip: nn.Module, plan: Plan, command: str, sha256: str) -> Card:
    accuracy = {
        name: Accuracy(
            top1=top1,
            n=min(MEASURED, len(task_ids(TASKS[name], "test").ids)),
            chance=1 / len(TASKS[name].class_names),
        )
        for name, top1 in accuracies(clip, "test", MEASURED).items()
    }
    return Card(
        name=NAME,
        description="A tiny CLIP (ViT, 56 px, patch 8, 7x7 tokens) trained on rendered scenes.",
        data=f"scenes pretrain split, {plan.images} rendered images, captions of 13 forms",
        steps=plan.steps,
        images_seen=plan.steps * plan.batch,
        seed=plan.seed,
        command=command,
        licence="MIT",
        sha256=sha256,
        accuracy=accuracy,
        notes=NOTES,
    )
