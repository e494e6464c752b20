"""Makes `scenes-tiny`: a small CLIP trained contrastively on captions of rendered scenes.

    python -m tools.pretrain_scenes --work runs/pretrain-scenes --out src/zsrobust/models/weights

Resumable: the same command continues from `state.pt`. Each step takes a batch of images and, for
several forms of caption, the distinct captions of the batch; images and texts are contrasted both
ways, every caption that is true of an image being a positive: CLIP's objective without its false
negatives.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, log_softmax, normalize

from tools.pretraining.scenes_data import FORMS, rendered, texts_of
from zsrobust.classifier.preprocess import Preprocess
from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.data.scenes import TASKS, captions, describe, render, task_ids
from zsrobust.models.build import build_clip
from zsrobust.models.card import Accuracy, Card
from zsrobust.models.folder import load_folder, save_folder
from zsrobust.models.model import Model
from zsrobust.models.token_table import trim_token_table

CONFIG = {
    "embed_dim": 96,
    "vision_cfg": {
        "image_size": 56,
        "layers": 4,
        "width": 128,
        "head_width": 32,
        "patch_size": 8,
    },
    "text_cfg": {
        "context_length": 32,
        "vocab_size": 49408,
        "width": 64,
        "heads": 2,
        "layers": 2,
    },
}
MEAN, STD = (0.45, 0.45, 0.45), (0.25, 0.25, 0.25)
SEED, BATCH, EXTRA_FORMS = 0, 128, 3


def contrast(images: Tensor, texts: Tensor, which: Tensor, scale: Tensor) -> Tensor:
    """Symmetric contrastive loss of unit images (B, D) and distinct unit texts (T, D).

    which: (B,) the text of each image. A text's positives are all its images.
    """
    logits = scale * images @ texts.T
    to_text = cross_entropy(logits, which)
    positive = (which[None] == torch.arange(len(texts))[:, None]).float()
    to_image = -(log_softmax(logits.T, 1) * positive).sum(1) / positive.sum(1)
    return (to_text + to_image.mean()) / 2


def train(work: Path, steps: int, images_count: int, lr: float) -> nn.Module:
    """The trained CLIP; log lines go to stdout, `state.pt` is replaced atomically."""
    from open_clip.tokenizer import SimpleTokenizer

    torch.manual_seed(SEED)
    images, scenes = rendered(work, images_count)
    clip, preprocess = build_clip(CONFIG, "scenes-tiny"), Preprocess(56, MEAN, STD)
    tokenizer = SimpleTokenizer(context_length=CONFIG["text_cfg"]["context_length"])
    optimizer = torch.optim.AdamW(clip.parameters(), lr=lr, betas=(0.9, 0.98), weight_decay=0.05)
    step, state = 0, work / "state.pt"
    if state.exists():
        saved = torch.load(state, weights_only=True)
        clip.load_state_dict(saved["clip"])
        optimizer.load_state_dict(saved["optimizer"])
        step = saved["step"]
    began, first = time.time(), step
    while step < steps:
        generator = np.random.default_rng([SEED, step])
        rows = np.sort(generator.choice(images_count, BATCH, replace=False))
        pixels = torch.from_numpy(images[rows]).permute(0, 3, 1, 2).float() / 255
        gain = torch.from_numpy(generator.uniform(0.9, 1.1, (BATCH, 1, 1, 1))).float()
        noise = torch.from_numpy(generator.normal(0, 0.01, pixels.shape).astype(np.float32))
        seen = preprocess((pixels * gain + noise).clamp(0, 1))
        with torch.autocast("cpu", torch.bfloat16):
            embedded = clip.visual(seen)
        embedded = normalize(embedded.float(), dim=-1)
        chosen = [0, *generator.choice(np.arange(1, len(FORMS)), EXTRA_FORMS, replace=False)]
        parts, texts = [], []
        for form in (FORMS[i] for i in chosen):
            template = int(generator.integers(len(form.templates)))
            names, which = texts_of([scenes[i] for i in rows], form, template)
            parts.append((len(names), torch.tensor(which)))
            texts += names
        text = normalize(clip.encode_text(tokenizer(texts)), dim=-1)
        scale = clip.logit_scale.exp().clamp(max=100)
        losses = [
            contrast(embedded, some, which, scale)
            for some, (_, which) in zip(text.split([n for n, _ in parts]), parts, strict=True)
        ]
        rate = lr * min((step + 1) / 300, 0.5 * (1 + math.cos(math.pi * step / steps)) + 1e-3)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        torch.stack(losses).sum().backward()
        nn.utils.clip_grad_norm_(clip.parameters(), 1.0)
        optimizer.step()
        step += 1
        if step % 200 == 0:
            speed = (step - first) * BATCH / (time.time() - began)
            line = {
                "step": step,
                "of": steps,
                "images_per_second": round(speed),
                "minutes_left": round((steps - step) * BATCH / speed / 60, 1),
                "scale": round(scale.item(), 1),
                "shape_loss": round(losses[0].item(), 3),
            }
            print(json.dumps(line), flush=True)
        if step % 1000 == 0 or step == steps:
            partial = state.with_suffix(".partial")
            torch.save(
                {"clip": clip.state_dict(), "optimizer": optimizer.state_dict(), "step": step},
                partial,
            )
            os.replace(partial, state)
            print(json.dumps({"step": step, **_accuracies(_model(clip), "val", 500)}), flush=True)
    return clip


def pack(clip: nn.Module, out: Path, steps: int, images_count: int, command: str) -> None:
    """Writes the bundled folder: trimmed token table, config, card with measured accuracies."""
    model = _model(clip)
    texts = sorted({text for i in range(4000) for text in captions(_train_scene(i))})
    texts += [
        t.format(n) for task in TASKS.values() for n in task.class_names for t in task.templates
    ]
    texts += [f"This is a photo of a {n}" for task in TASKS.values() for n in task.class_names]
    rows = sorted({0, *model.tokenizer(texts).flatten().tolist()})
    accuracy = {
        name: Accuracy(top1=top1, n=2000, chance=1 / len(TASKS[name].class_names))
        for name, top1 in _accuracies(model, "test", 2000).items()
    }
    folder = out / "scenes-tiny"
    save_folder(model, folder, state=trim_token_table(dict(clip.state_dict()), rows))
    card = Card(
        name="scenes-tiny",
        description="A tiny CLIP (ViT, 56 px, patch 8, 7x7 tokens) trained on rendered scenes.",
        data=f"scenes pretrain split, {images_count} rendered images, captions of 13 forms",
        steps=steps,
        images_seen=steps * BATCH,
        seed=SEED,
        command=command,
        licence="MIT",
        sha256=hashlib.sha256((folder / "open_clip_model.safetensors").read_bytes()).hexdigest(),
        accuracy=accuracy,
        notes=[
            "Trained by us on pictures that we render. Nothing here predicts OpenAI's CLIP.",
            "It has seen all classes of all tasks, held-out shapes included: 'held out' is said of "
            "fine-tuning.",
            "Words that no caption of the world holds have zero token vectors.",
        ],
    )
    from zsrobust.models.card import card_text

    (folder / "card.yaml").write_text(card_text(card), encoding="utf-8")
    again = load_folder(folder, "scenes-tiny")
    for task in TASKS.values():
        one, two = (classifier_of(m, task.class_names, task.templates) for m in (model, again))
        if not torch.equal(one.class_embeddings, two.class_embeddings):
            raise SystemExit(f"{task.name}: the trimmed file does not give the same prompts back.")


def _train_scene(number: int):  # noqa: ANN202
    return describe(f"scenes/pretrain/{number:06d}")


def _model(clip: nn.Module) -> Model:
    from open_clip.tokenizer import SimpleTokenizer

    tokenizer = SimpleTokenizer(context_length=CONFIG["text_cfg"]["context_length"])
    return Model("scenes-tiny", clip, tokenizer, 56, MEAN, STD, CONFIG, "tools/pretrain_scenes.py")


@torch.no_grad()
def _accuracies(model: Model, split: str, count: int) -> dict[str, float]:
    """Top-1 accuracy on the first `count` scenes of each task in a split, by number."""
    from zsrobust.classifier import class_embeddings

    class_embeddings._CACHE.clear()
    result = {}
    model.clip.eval()
    for task in TASKS.values():
        part = task_ids(task, split)
        images = np.stack([render(describe(i)).image for i in part.ids[:count]])
        pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
        classifier = classifier_of(model, task.class_names, task.templates)
        right = torch.cat([classifier(some).argmax(1) for some in pixels.split(250)])
        labels = torch.tensor(part.labels[:count])
        result[task.name] = round(float((right == labels).float().mean()), 4)
    model.clip.train()
    return result


def main() -> None:
    """Trains, then packs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("runs/pretrain-scenes"))
    parser.add_argument("--out", type=Path, default=Path("src/zsrobust/models/weights"))
    parser.add_argument("--steps", type=int, default=7000)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    clip = train(options.work, options.steps, options.images, options.lr)
    command = (
        f"python -m tools.pretrain_scenes --steps {options.steps} --images {options.images} "
        f"--lr {options.lr:g}"
    )
    pack(clip, options.out, options.steps, options.images, command)


if __name__ == "__main__":
    main()
