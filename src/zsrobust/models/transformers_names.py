"""transformers' CLIP and open_clip's: the same weights under other names, in both directions."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

_TOWERS = (("vision_model.", "visual."), ("text_model.", ""))
_BLOCK = "encoder.layers."
_TOP = {
    "vision_model.embeddings.class_embedding": "visual.class_embedding",
    "vision_model.embeddings.patch_embedding.weight": "visual.conv1.weight",
    "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
    "vision_model.pre_layrnorm.weight": "visual.ln_pre.weight",
    "vision_model.pre_layrnorm.bias": "visual.ln_pre.bias",
    "vision_model.post_layernorm.weight": "visual.ln_post.weight",
    "vision_model.post_layernorm.bias": "visual.ln_post.bias",
    "text_model.embeddings.token_embedding.weight": "token_embedding.weight",
    "text_model.embeddings.position_embedding.weight": "positional_embedding",
    "text_model.final_layer_norm.weight": "ln_final.weight",
    "text_model.final_layer_norm.bias": "ln_final.bias",
    "logit_scale": "logit_scale",
}
_TRANSPOSED = {
    "visual_projection.weight": "visual.proj",
    "text_projection.weight": "text_projection",
}
_IN_BLOCK = {
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "self_attn.out_proj": "attn.out_proj",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
_ATTENTION = ("q_proj", "k_proj", "v_proj")


def open_clip_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A CLIP state dict of transformers under open_clip's names; unknown keys stay as they are.

    Query, key and value become one matrix, and projections are transposed.
    """
    renamed: dict[str, Tensor] = {}
    for key, value in state.items():
        if key.endswith("position_ids"):
            continue
        if key in _TOP:
            renamed[_TOP[key]] = value
        elif key in _TRANSPOSED:
            renamed[_TRANSPOSED[key]] = value.T
        elif ".self_attn.q_proj." in key:
            three = [state.get(key.replace("q_proj", name)) for name in _ATTENTION]
            if all(one is not None for one in three):
                place, kind = _in_block(key.split(".self_attn.")[0]), key.rsplit(".", 1)[1]
                joined = torch.cat([one for one in three if one is not None])
                renamed[f"{place}.attn.in_proj_{kind}"] = joined
        elif not any(f".self_attn.{name}." in key for name in _ATTENTION):
            renamed[_in_block(key)] = value
    return renamed


def transformers_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """An open_clip `CLIP` state dict under transformers' names: the inverse of the above."""
    top = {ours: theirs for theirs, ours in _TOP.items()}
    transposed = {ours: theirs for theirs, ours in _TRANSPOSED.items()}
    renamed: dict[str, Tensor] = {}
    for key, value in state.items():
        if key in top:
            renamed[top[key]] = value
        elif key in transposed:
            renamed[transposed[key]] = value.T
        elif ".attn.in_proj_" in key:
            place, kind = key.split(".attn.in_proj_")
            for name, part in zip(_ATTENTION, value.chunk(3), strict=True):
                renamed[f"{_their_block(place)}.self_attn.{name}.{kind}"] = part
        else:
            renamed[_their_block(key)] = value
    return renamed


def _in_block(key: str) -> str:
    for theirs, ours in _TOWERS:
        if key.startswith(theirs + _BLOCK):
            key = f"{ours}transformer.resblocks.{key.removeprefix(theirs + _BLOCK)}"
            for their_part, our_part in _IN_BLOCK.items():
                key = key.replace(f".{their_part}.", f".{our_part}.")
    return key


def _their_block(key: str) -> str:
    for theirs, ours in _TOWERS:
        mark = f"{ours}transformer.resblocks."
        if key.startswith(mark):
            key = f"{theirs}{_BLOCK}{key.removeprefix(mark)}"
            for their_part, our_part in _IN_BLOCK.items():
                key = key.replace(f".{our_part}.", f".{their_part}.")
            break
    return key
