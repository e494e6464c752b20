"""Small trainings in float64, one after another: by one process, or as a script by torchrun.

torchrun --standalone --nproc-per-node 2 -m tests.training.several_trainings OUT NAME ...
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from unittest import mock

import torch
from tests.training.small_training import colours, recipe

from zsrobust.classifier.zero_shot import ZeroShotClassifier, classifier_of
from zsrobust.models.model import Model
from zsrobust.objectives.objective import Batch
from zsrobust.testing.tiny_clip import tiny_clip
from zsrobust.training import batches, one_step
from zsrobust.training import train as training
from zsrobust.training.recipe import Recipe
from zsrobust.workflows.finetune import finetune

STEPS = 20


def chosen(kind: str, settings: dict | None = None, **changes) -> Recipe:
    objective = {"kind": kind, "settings": settings or {}}
    optimizer = {"kind": "adamw", "lr": 0.002}
    return recipe(objective=objective, steps=STEPS, optimizer=optimizer, **changes)


RANDOM_PATCH = {"visual-prompt": {"method": "random-patch", "size": 9}}
# Epochs of 18 images at 8 a step end in a batch of two, of 17 in one for the first process alone.
TRAININGS: dict[str, tuple[Recipe, int]] = {
    "tecoa": (chosen("tecoa", {"logit_scale": "learned"}, accumulate=2), 17),
    "tga-zsr": (chosen("tga-zsr", ema=0.9), 17),
    "ft-adv": (chosen("ft-adv", {"logit_scale": "learned"}), 18),
    "matched": (chosen("tga-zsr", {"distance": "cos", "alpha": 1.0}), 18),
    "patch-anchor": (chosen("patch-anchor"), 18),
    "pmg-aft-sum": (chosen("pmg-aft", {"reduction": "sum"}, batch_size=7), 18),
    "lore": (chosen("lore"), 17),
    "repeated": (chosen("comp-tga", {"random_start": "repeated"}), 17),
    "own-head": (chosen("adversarial-training"), 17),
    "vision-detached": (chosen("tga-zsr", {"target": "vision-detached"}), 18),
    "random-patch": (chosen("fare", trainable=RANDOM_PATCH), 18),
    "agft": (chosen("agft", activation_checkpointing=True), 17),
    "ucat": (chosen("ucat", trainable={"last-blocks": 1}), 17),
    "captions": (chosen("tecoa", {"texts": "captions", "direction": "symmetric"}), 18),
    "validated": (
        chosen("tga-zsr", validation={"images": 5, "every": 6, "attack": "margin-pgd-20"}),
        22,
    ),
    "sim-clip": (chosen("sim-clip", attack={"kind": "n-fgsm", "eps": "4/255"}), 17),
}


def run_all(out: Path, names: Sequence[str]) -> None:
    """Each in a folder of its name, all arithmetic in float64."""
    torch.set_num_threads(1)
    doubled = mock.patch.object(training, "classifier_of", _double_classifier)
    with doubled, mock.patch.object(one_step, "read_batch", _read_double):
        for name in names:
            settings, images = TRAININGS[name]
            shown = replace(colours(images), captions=_captions)
            finetune(settings, _double(tiny_clip()), shown, out / name, device="cpu")


def _captions(position: int) -> tuple[str]:
    """Some of them are said of two images."""
    return (f"picture {position // 2} of a colour",)


def _read_double(*asked) -> Batch:
    batch = batches.read_batch(*asked)
    return replace(batch, pixels=batch.pixels.double())


def _double_classifier(*described) -> ZeroShotClassifier:
    return classifier_of(*described).double()


def _double(model: Model) -> Model:
    model.clip.double()
    return model


if __name__ == "__main__":
    run_all(Path(sys.argv[1]), sys.argv[2:])
