"""A CLIP as transformers saves it: a folder of `config.json` and `model.safetensors`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zsrobust.errors import ModelError
from zsrobust.models.build import build_clip
from zsrobust.models.checkpoint_containers import parts_of
from zsrobust.models.checkpoint_file import read_weights_file
from zsrobust.models.checkpoint_fit import load_fitting
from zsrobust.models.model import Model
from zsrobust.models.normalisation import CLIP, Triple

CONFIG = "config.json"
PREPROCESSOR = "preprocessor_config.json"
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
VOCABULARY = 49408
_TYPES = ("clip", "clip_vision_model")
_QUICK = {"quick_gelu": True, "gelu": False}
_VISION = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12}
_VISION |= {"num_attention_heads": 12, "image_size": 224, "patch_size": 32}
_TEXT = {"hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 12}
_TEXT |= {"num_attention_heads": 8, "vocab_size": VOCABULARY, "max_position_embeddings": 77}


def is_transformers_folder(folder: Path) -> bool:
    """Whether a folder holds a CLIP, or the vision half of one, as transformers saves it."""
    if not (folder / CONFIG).is_file():
        return False
    return read_json(folder / CONFIG).get("model_type") in _TYPES


def load_transformers_folder(folder: Path) -> Model:
    """The CLIPModel that transformers saved in a folder, in eval mode, on the CPU.

    Raises ModelError for a vision tower alone, which needs a base, and for an activation,
    vocabulary or weights that do not go with its config.
    """
    from open_clip.tokenizer import SimpleTokenizer

    content = read_json(folder / CONFIG)
    if content.get("model_type") != "clip":
        raise ModelError(
            f"{folder}: a vision tower alone, which needs the text tower of its base. Write a file "
            f"of `checkpoint: {folder}` and `base: NAME`, and give that, or --base."
        )
    config = open_clip_config(content, folder / CONFIG)
    context, vocabulary = (config["text_cfg"][key] for key in ("context_length", "vocab_size"))
    if vocabulary != VOCABULARY:
        raise ModelError(
            f"{folder / CONFIG}: a vocabulary of {vocabulary}; only CLIP's own of {VOCABULARY} "
            "tokens is known."
        )
    clip = build_clip(config, str(folder / CONFIG))
    weights = weights_of(folder)
    parts = parts_of(read_weights_file(weights), weights)
    load_fitting(clip, parts.whole or {}, str(weights), CONFIG)
    mean, std = _normalisation(folder)
    return Model(
        name=folder.name,
        clip=clip.eval(),
        tokenizer=SimpleTokenizer(context_length=context),
        image_size=int(config["vision_cfg"]["image_size"]),
        mean=mean,
        std=std,
        config=config,
        source=str(folder),
    )


def open_clip_config(content: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The open_clip `model_cfg` of a transformers `CLIPConfig`, whose defaults may be left out."""
    vision = _VISION | content.get("vision_config", {})
    text = _TEXT | content.get("text_config", {})
    quick = {quick_gelu_of(part, path) for part in (vision, text)}
    if len(quick) > 1:
        raise ModelError(f"{path}: its towers have different activations; open_clip knows one.")
    return {
        "embed_dim": int(content.get("projection_dim", 512)),
        "quick_gelu": quick.pop(),
        "vision_cfg": {
            "image_size": int(vision["image_size"]),
            "patch_size": int(vision["patch_size"]),
            "head_width": vision["hidden_size"] // vision["num_attention_heads"],
            **_tower(vision),
        },
        "text_cfg": {
            "context_length": int(text["max_position_embeddings"]),
            "vocab_size": int(text["vocab_size"]),
            "heads": int(text["num_attention_heads"]),
            **_tower(text),
        },
    }


def weights_of(path: Path) -> Path:
    """The file of weights that a path means: itself, or the one in a folder of transformers."""
    if not path.is_dir():
        return path
    for name in WEIGHTS:
        if (path / name).is_file():
            return path / name
    raise ModelError(f"{path}: a folder without {' or '.join(WEIGHTS)}.")


def activation_beside(path: Path) -> bool | None:
    """Whether transformers' config in or beside `path` says QuickGELU; None where none is there."""
    config = (path if path.is_dir() else path.parent) / CONFIG
    if not config.is_file():
        return None
    content = read_json(config)
    if content.get("model_type") not in _TYPES:
        return None
    return quick_gelu_of(content.get("vision_config", content), config)


def quick_gelu_of(content: Mapping[str, Any], path: Path) -> bool:
    """Whether a tower's config says QuickGELU (the default); raises ModelError for a third one."""
    activation = content.get("hidden_act", "quick_gelu")
    if activation not in _QUICK:
        raise ModelError(
            f"{path}: hidden_act is '{activation}'; open_clip has {' and '.join(_QUICK)}."
        )
    return _QUICK[activation]


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; raises ModelError naming it."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: not a readable JSON file ({error}).") from None
    if not isinstance(content, dict):
        raise ModelError(f"{path}: expected an object, got {type(content).__name__}.")
    return content


def _tower(content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "width": int(content["hidden_size"]),
        "layers": int(content["num_hidden_layers"]),
        "mlp_ratio": content["intermediate_size"] / content["hidden_size"],
    }


def _normalisation(folder: Path) -> tuple[Triple, Triple]:
    """Mean and std beside the weights; CLIP's where nothing is said."""
    if not (folder / PREPROCESSOR).is_file():
        return CLIP
    content = read_json(folder / PREPROCESSOR)
    triples = []
    for key, default in zip(("image_mean", "image_std"), CLIP, strict=True):
        values = content.get(key, default)
        if not isinstance(values, (list, tuple)) or len(values) != 3:
            raise ModelError(f"{folder / PREPROCESSOR}: {key} must hold three numbers.")
        triples.append((float(values[0]), float(values[1]), float(values[2])))
    return triples[0], triples[1]
