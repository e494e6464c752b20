"""What a checkpoint of the literature turns out to hold, in open_clip's names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

State = Mapping[str, Tensor]

IGNORED = frozenset(
    {"input_resolution", "context_length", "vocab_size", "attn_mask", "text.attn_mask"}
)
"""Buffers and numbers that older files carry beside their weights."""


@dataclass(frozen=True)
class Parts:
    """The weights of a checkpoint, under the keys that open_clip's modules have.

    container: what it was recognised as, for messages and cards.
    whole: a full CLIP; tower: an image tower alone, keys without `visual.`. At most one is there.
    prompt: `pad_up` ... or `patch`, added to normalised pixels. tokens: (1, L, width), appended.
    quick_gelu: the activation its makers trained with; None where the container does not tell.
    config_beside: whether a `config.json` of transformers beside the file speaks of it.
    notes: what a user must know of it.
    """

    container: str
    whole: State | None = None
    tower: State | None = None
    prompt: State = field(default_factory=dict)
    tokens: Tensor | None = None
    quick_gelu: bool | None = None
    config_beside: bool = False
    notes: tuple[str, ...] = ()


def tensors(content: Mapping[str, object]) -> dict[str, Tensor]:
    """The tensors among a mapping's values, without what wrappers put in front of their keys.

    Wrappers: DataParallel's `module.`, torch.compile's `_orig_mod.`.
    """
    state = {
        str(key): value
        for key, value in content.items()
        if isinstance(value, Tensor) and str(key) not in IGNORED
    }
    for prefix in ("module.", "_orig_mod."):
        if state and all(key.startswith(prefix) for key in state):
            state = {key.removeprefix(prefix): value for key, value in state.items()}
    return {key: value for key, value in state.items() if key not in IGNORED}


def under(state: State, prefix: str) -> dict[str, Tensor]:
    """The part of a state dict below `prefix`, which is taken off."""
    return {
        key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)
    }
