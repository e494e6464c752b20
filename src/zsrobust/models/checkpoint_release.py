"""The `.pth.tar` that TeCoA's release writes, and PMG-AFT's, TGA-ZSR's and Comp-TGA's after it.

A dict of `epoch`, `state_dict` (the pixel prompt; empty where the tower was tuned), `add_prompter`
(prompt tokens (1, L, width); L = 0 where there are none), `vision_encoder_state_dict` (an OpenAI
image tower; absent where only prompts were trained), `best_acc1` (a numpy scalar), `optimizer`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zsrobust.models.checkpoint_parts import Parts, tensors
from zsrobust.models.visual_prompt import is_pixel_prompt

TOWER = "vision_encoder_state_dict"
TOKENS = "add_prompter"

SHARED = (
    "TeCoA's, PMG-AFT's and TGA-ZSR's files have one layout. PMG-AFT's were made under ImageNet's "
    "mean and std: say `release: pmg-aft` (or --release) for one of them."
)


def is_release(content: Mapping[str, Any]) -> bool:
    """Whether it has the keys that only these releases write."""
    return TOWER in content or TOKENS in content


def release_parts(content: Mapping[str, Any]) -> Parts:
    """The tower, the pixel prompt and the prompt tokens, whichever of them were trained."""
    tower = tensors(_mapping(content.get(TOWER)))
    tokens = tensors(_mapping(content.get(TOKENS))).get("prompt")
    return Parts(
        container="TeCoA's .pth.tar layout",
        tower=tower or None,
        prompt=tensors(_mapping(content.get("state_dict"))),
        tokens=tokens if tokens is not None and tokens.numel() else None,
        quick_gelu=True,
        notes=(SHARED,),
    )


def is_prompt_file(content: Mapping[str, Any]) -> bool:
    """Whether it holds a pixel prompt and nothing else, bare or under `state_dict`."""
    return is_pixel_prompt(tensors(_unwrapped(content)))


def prompt_parts(content: Mapping[str, Any]) -> Parts:
    """A pixel prompt alone; what it was trained on is the user's to say by naming the base."""
    return Parts(container="a visual prompt", prompt=tensors(_unwrapped(content)))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _unwrapped(content: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = content.get("state_dict")
    return inner if isinstance(inner, Mapping) else content
