"""What `training_step.py` measures: its models, its objectives and what each must cost at least."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from training_models import photos_mini, small_model, vit_b_32, vit_b_32_on_gpu
from zsrobust.models.model import Model

STEPS = 4
"""Training steps a side makes; the first warms up and is not timed."""
ATTACK_STEPS = 2
FASTER = 2.0
"""How many times faster than the releases ours must be, where a bar holds."""
CLOSE = 1e-4
"""How far losses may lie apart."""
_STARTING = 10.0
"""Seconds that a process takes before its first step."""


@dataclass(frozen=True)
class Setup:
    """A model with its batch and prompts.

    make: builds it, always the same weights. side: of its images, in pixels. frame: of a visual
    prompt. lr: the releases' 1e-4, and TeCoA's default 1e-7 for a random tower: its tokens are all
    but alike, so that maps stretched to [0, 1] magnify rounding, and losses would drift apart.
    forward: seconds of F, a forward of one image, on two idle cores. text: a pass of all prompts,
    in F an image (`forward`: of ON_GPU, on a GPU). bars: whether ours must be `FASTER` here.
    """

    name: str
    make: Callable[[], Model]
    batch: int
    prompts: int
    side: int
    frame: int
    lr: float
    forward: float
    text: float
    bars: bool = False


@dataclass(frozen=True)
class Case:
    """An objective under PGD-2 at 1/255, and what is trained.

    least: forwards' worth of a step for each image, in its first epoch (section 7 of the methods);
    where only a part is trained, about that. released: the same as the release executes it, and its
    passes over the prompts' text (forward 1, backward 2); None where no baseline is written.
    paper: seconds of a batch that TGA-ZSR's overhead table states. attacked: whether there is an
    inner attack. again: whether every step sees the same images, as from the second epoch on.
    """

    name: str
    kind: str
    least: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    trainable: str | Mapping[str, Any] = "tower"
    released: tuple[int, int] | None = None
    paper: float | None = None
    attacked: bool = True
    again: bool = False


@dataclass(frozen=True)
class Cell:
    """One case on one setup."""

    setup: Setup
    case: Case

    @property
    def name(self) -> str:
        """What `--only` calls it."""
        return f"{self.setup.name}--{self.case.name}"

    @property
    def sides(self) -> tuple[str, ...]:
        """What is measured, each in a process of its own."""
        if self.case.released is None:
            return ("ours",)
        has_text = self.case.released[1] > 0
        return ("released", "released-image", "ours") if has_text else ("released", "ours")

    @property
    def bar(self) -> float | None:
        """How many times faster than the release ours must be here; None without a bar."""
        return FASTER if self.setup.bars and self.case.name in ("tecoa", "tga-zsr") else None

    def seconds(self, side: str) -> float:
        """About how long a side takes on two idle cores."""
        image, text = self.case.released or (0, 0)
        cost = {
            "ours": self.case.least,
            "released": image + text * self.setup.text,
            "released-image": image,
        }[side]
        return _STARTING + STEPS * self.setup.batch * self.setup.forward * cost


OBJECTIVES = (
    # TGA-ZSR, table 8 (RTX 3090): seconds of a batch of 128.
    Case("tecoa", "tecoa", 7, released=(9, 9), paper=0.65),
    Case("tga-zsr", "tga-zsr", 11, released=(18, 7), paper=1.13),
    Case("tga-zsr-later-epochs", "tga-zsr", 10, again=True),
    Case("pmg-aft", "pmg-aft", 11, released=(15, 15), paper=1.06),
    Case("fare", "fare", 8, released=(9, 0)),
    Case("ft-clean", "ft-clean", 3, attacked=False),
    Case("ft-adv", "ft-adv", 7),
    Case("adversarial-training", "adversarial-training", 7),
    Case("tecoa-pseudo", "tecoa", 8, {"labels": "pseudo"}),
    Case("tga-zsr-cos", "tga-zsr", 11, {"distance": "cos"}),
    Case("tga-zsr-vision", "tga-zsr", 9, {"target": "vision-detached"}),
    Case("comp-tga", "comp-tga", 11),
    Case("patch-anchor", "patch-anchor", 11),
    Case("lore", "lore", 36),
    Case("agft", "agft", 8),
    Case("ucat", "ucat", 8),
    Case("caw", "caw", 9),
    Case("sim-clip", "sim-clip", 11),
    Case("sim-clip-as-released", "sim-clip-as-released", 8),
)


def trained_parts(frame: int) -> tuple[Case, ...]:
    """TeCoA on each trainable part; frame: sides of the padding, in pixels."""
    padding = {"visual-prompt": {"method": "padding", "size": frame}}
    both = {"tokens+padding": {"count": 10, "size": frame}}
    parts: dict[str, tuple[int, str | Mapping[str, Any]]] = {
        "last-2-tensors": (5, {"last-tensors": 2}),
        "last-block": (5, {"last-blocks": 1}),
        "linear-probe": (5, "linear-probe"),
        "padding": (6, padding),
        "prompt-tokens": (6, {"prompt-tokens": {"count": 10}}),
        "tokens+padding": (6, both),
        "lora": (7, "lora"),
    }
    return tuple(
        Case(f"tecoa--{name}", "tecoa", least, trainable=part)
        for name, (least, part) in parts.items()
    )


# A frame of 30 pixels on 224 is TeCoA's; on 56 it is as large a share.
SETUPS = (
    Setup("vit-b-32", vit_b_32, 16, 25, 224, 30, lr=1e-7, forward=0.06, text=1.1, bars=True),
    Setup("photos-mini", photos_mini, 128, 200, 56, 8, lr=1e-4, forward=0.001, text=0.8),
)
ON_GPU = Setup(
    "vit-b-32-gpu", vit_b_32_on_gpu, 128, 200, 224, 30, lr=1e-7, forward=0.0005, text=0.8, bars=True
)
"""The releases' own batch and prompts, on CUDA."""
SMALL = Setup("tiny", small_model, 4, 5, 28, 4, lr=1e-4, forward=0.001, text=1.0)


def cells_of(setups: tuple[Setup, ...]) -> list[Cell]:
    """Every objective on the whole tower, then TeCoA on every trainable part, on each setup."""
    return [
        Cell(setup, case) for setup in setups for case in (*OBJECTIVES, *trained_parts(setup.frame))
    ]
