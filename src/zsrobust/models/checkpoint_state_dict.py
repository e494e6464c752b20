"""State dicts: open_clip's of a whole CLIP, RobustVLM's of an image tower, transformers' of either.

Bare, or under the key that a training loop put them: `state_dict`, `model`, `model_state_dict`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zsrobust.models.checkpoint_parts import Parts, State, tensors, under
from zsrobust.models.transformers_names import open_clip_names

WRAPPERS = ("state_dict", "model_state_dict", "model")
_TOWER_MARKS = ("conv1.weight", "class_embedding", "trunk.", "layer1.0.", "ln_post.", "attnpool.")
_TEXT_MARKS = ("token_embedding.weight", "text.", "text_projection", "transformer.resblocks.0.")


def state_of(content: Mapping[str, Any]) -> State:
    """The state dict in a checkpoint, keys without the prefixes of wrappers."""
    for wrapper in WRAPPERS:
        inner = content.get(wrapper)
        if isinstance(inner, Mapping) and tensors(inner):
            return tensors(inner)
    return tensors(content)


def is_transformers(content: Mapping[str, Any]) -> bool:
    """Whether its keys are those of transformers' CLIP."""
    return any(key.startswith("vision_model.") for key in state_of(content))


def transformers_parts(content: Mapping[str, Any]) -> Parts:
    """A whole CLIPModel, or the vision half of one, under open_clip's names."""
    state = open_clip_names(state_of(content))
    if "token_embedding.weight" in state:
        return Parts(container="a CLIPModel of transformers", whole=state, config_beside=True)
    return Parts(
        container="a CLIP vision tower of transformers",
        tower=under(state, "visual."),
        config_beside=True,
    )


def is_whole(content: Mapping[str, Any]) -> bool:
    """Whether it holds an image tower under `visual.` and a text tower."""
    state = state_of(content)
    return _has(state, ("visual.",)) and _has(state, _TEXT_MARKS)


def whole_parts(content: Mapping[str, Any]) -> Parts:
    """A whole CLIP in open_clip's names."""
    return Parts(container="an open_clip state dict", whole=state_of(content))


def is_tower(content: Mapping[str, Any]) -> bool:
    """Whether it holds an image tower, with or without `visual.` in front."""
    return _has(state_of(content), ("visual.", *_TOWER_MARKS))


def tower_parts(content: Mapping[str, Any]) -> Parts:
    """An image tower alone."""
    state = state_of(content)
    return Parts(
        container="the state dict of an image tower", tower=under(state, "visual.") or state
    )


def _has(state: State, marks: tuple[str, ...]) -> bool:
    return any(key.startswith(marks) for key in state)
