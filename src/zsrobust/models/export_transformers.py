"""A model as transformers' CLIPModel loads it, with tokenizer and image processor beside it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from open_clip.model import CLIP
from open_clip.tokenizer import SimpleTokenizer
from open_clip.transformer import LayerNorm, VisionTransformer

from zsrobust.errors import ModelError
from zsrobust.models.checkpoint_base import uses_quick_gelu
from zsrobust.models.checkpoint_transformers import CONFIG, PREPROCESSOR, load_transformers_folder
from zsrobust.models.export_open_clip import refuse_own_parts
from zsrobust.models.model import Model
from zsrobust.models.transformers_names import transformers_names

START, END = "<|startoftext|>", "<|endoftext|>"
_BICUBIC = 3


def export_transformers(model: Model, folder: Path) -> None:
    """Writes `config.json`, `model.safetensors`, tokenizer and image processor of a CLIPModel.

    What was written is read back, and must have the weights and the preprocessing of the model.
    Raises ModelError where `folder` exists, or CLIPModel has no place for a part of the model.
    """
    from safetensors.torch import save_file

    refuse_own_parts(model, "transformers' CLIPModel")
    _refuse_other_towers(model)
    if folder.exists():
        raise ModelError(f"{folder} exists. Give another folder, or remove it first.")
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    state = transformers_names(model.clip.state_dict())
    save_file(
        {key: value.detach().cpu().contiguous() for key, value in state.items()},
        partial / "model.safetensors",
        metadata={"format": "pt"},
    )
    _write(partial / CONFIG, clip_config(model))
    _write(partial / PREPROCESSOR, image_processor(model))
    _write_tokenizer(partial, int(model.clip.context_length))  # type: ignore[arg-type]
    if load_transformers_folder(partial).fingerprint != model.fingerprint:
        raise ModelError(f"{partial}: what was read back is not {model.name}. Is the disk full?")
    os.replace(partial, folder)


def clip_config(model: Model) -> dict[str, Any]:
    """The `CLIPConfig` of transformers for an open_clip model."""
    clip: Any = model.clip
    visual = clip.visual
    activation = "quick_gelu" if uses_quick_gelu(clip) else "gelu"
    embed_dim = int(visual.proj.shape[1])
    return {
        "architectures": ["CLIPModel"],
        "model_type": "clip",
        "projection_dim": embed_dim,
        "logit_scale_init_value": float(clip.logit_scale.detach()),
        "torch_dtype": "float32",
        "vision_config": {
            "model_type": "clip_vision_model",
            "image_size": int(visual.image_size[0]),
            "patch_size": int(visual.patch_size[0]),
            "num_channels": 3,
            **_tower(visual.transformer, activation, embed_dim),
        },
        "text_config": {
            "model_type": "clip_text_model",
            "vocab_size": int(clip.token_embedding.num_embeddings),
            "max_position_embeddings": int(clip.context_length),
            "bos_token_id": 49406,
            "eos_token_id": 49407,
            "pad_token_id": 49407,
            **_tower(clip.transformer, activation, embed_dim),
        },
    }


def image_processor(model: Model) -> dict[str, Any]:
    """The settings of transformers' `CLIPImageProcessor`: shorter side, centre crop, normalise."""
    size = model.image_size
    return {
        "image_processor_type": "CLIPImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True,
        "size": {"shortest_edge": size},
        "resample": _BICUBIC,
        "do_center_crop": True,
        "crop_size": {"height": size, "width": size},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(model.mean),
        "image_std": list(model.std),
    }


def _tower(transformer: Any, activation: str, embed_dim: int) -> dict[str, Any]:
    block = transformer.resblocks[0]
    return {
        "hidden_size": int(transformer.width),
        "intermediate_size": int(block.mlp.c_fc.out_features),
        "num_hidden_layers": len(transformer.resblocks),
        "num_attention_heads": int(block.attn.num_heads),
        "hidden_act": activation,
        "layer_norm_eps": float(block.ln_1.eps),
        "projection_dim": embed_dim,
    }


def _write_tokenizer(folder: Path, context_length: int) -> None:
    """CLIP's byte-pair vocabulary, from open_clip's copy, in the files that transformers reads."""
    tokenizer = SimpleTokenizer()
    renamed = {"<start_of_text>": START, "<end_of_text>": END}
    vocabulary = {renamed.get(key, key): number for key, number in tokenizer.encoder.items()}
    _write(folder / "vocab.json", vocabulary)
    merges = sorted(tokenizer.bpe_ranks, key=lambda pair: tokenizer.bpe_ranks[pair])
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    special = {"bos_token": START, "eos_token": END, "unk_token": END, "pad_token": END}
    _write(folder / "special_tokens_map.json", special)
    settings = {"tokenizer_class": "CLIPTokenizer", "model_max_length": context_length}
    _write(folder / "tokenizer_config.json", settings | special | {"do_lower_case": True})


def _refuse_other_towers(model: Model) -> None:
    """Raises ModelError naming the first part for which CLIPModel has no place."""
    clip: Any = model.clip
    visual: Any = clip.visual
    no_place = _odd_tower(visual) if isinstance(visual, VisionTransformer) else "no plain ViT tower"
    if type(clip) is not CLIP:
        no_place = f"open_clip's {type(clip).__name__} and not its CLIP"
    elif getattr(clip, "logit_bias", None) is not None:
        no_place = "a logit bias (SigLIP's)"
    elif clip.text_pool_type != "argmax" or clip.attn_mask is None:
        no_place = "a text tower that pools or masks otherwise"
    if no_place:
        raise ModelError(
            f"{model.name}: has {no_place}, for which transformers' CLIPModel has no place. "
            "Convert it with --to open_clip."
        )
    names = set(transformers_names(clip.state_dict()))
    odd = sorted(name for name in names if "resblocks" in name or ".ls_" in name)
    if odd:
        raise ModelError(f"{model.name}: transformers' CLIPModel has no place for '{odd[0]}'.")


def _odd_tower(visual: Any) -> str:
    if visual.attn_pool is not None or visual.pool_type != "tok" or visual.final_ln_after_pool:
        return "a tower that does not pool by its CLS token"
    if not isinstance(visual.ln_pre, LayerNorm) or visual.conv1.bias is not None:
        return "a tower without the norm before its blocks"
    return "" if visual.image_size[0] == visual.image_size[1] else "an oblong input"


def _write(path: Path, content: Any) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
