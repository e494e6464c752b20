"""A model as a folder: open_clip's `local-dir:` layout, with our card beside it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zsrobust.errors import ModelError
from zsrobust.models.adapted import is_adapted_folder, load_adapted
from zsrobust.models.build import build_clip
from zsrobust.models.card import Card, card_text, read_card
from zsrobust.models.model import Model
from zsrobust.models.token_table import restore_token_table
from zsrobust.models.tokenizer import tokenizer_for

CONFIG = "open_clip_config.json"
WEIGHTS = "open_clip_model.safetensors"


def is_model_folder(folder: Path) -> bool:
    """Whether `folder` holds a model in open_clip's layout, or what was trained of one."""
    return (folder / CONFIG).is_file() or is_adapted_folder(folder)


def load_folder(folder: Path, name: str, card: Card | None = None) -> Model:
    """The model that a folder holds, on the CPU, in eval mode, its weights checked key by key.

    card: replaces the folder's own. Raises ModelError naming the file and what is wrong with it.
    """
    import open_clip

    if is_adapted_folder(folder):
        return load_adapted(folder, name, card)
    content = _read_config(folder / CONFIG)
    config, preprocess = content["model_cfg"], content.get("preprocess_cfg", {})
    clip = build_clip(config, str(folder / CONFIG))
    _load_weights(clip, folder / WEIGHTS, int(config["text_cfg"].get("vocab_size", 49408)))
    size = config["vision_cfg"].get("image_size", 224)
    return Model(
        name=name,
        clip=clip.eval(),
        tokenizer=tokenizer_for(f"local-dir:{folder}"),
        image_size=int(max(size) if isinstance(size, list) else size),
        mean=_triple(preprocess.get("mean", open_clip.OPENAI_DATASET_MEAN), folder / CONFIG),
        std=_triple(preprocess.get("std", open_clip.OPENAI_DATASET_STD), folder / CONFIG),
        config=config,
        source=str(folder),
        card=card or read_card(folder),
    )


def save_folder(model: Model, folder: Path, state: dict[str, Tensor] | None = None) -> None:
    """Writes a model to `folder` so that a kill leaves either the whole folder or none.

    state: weights to write instead of the model's own (a trimmed token table).
    Raises ModelError if `folder` exists.
    """
    from safetensors.torch import save_file

    if folder.exists():
        raise ModelError(f"{folder} exists. Give another folder, or remove it first.")
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    preprocess = {"size": model.image_size, "mode": "RGB", "mean": model.mean, "std": model.std}
    preprocess |= {"interpolation": "bicubic", "resize_mode": "shortest", "fill_color": 0}
    config = {"model_cfg": dict(model.config), "preprocess_cfg": preprocess}
    (partial / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    weights = state if state is not None else dict(model.clip.state_dict())
    save_file(
        {key: value.detach().cpu().contiguous() for key, value in weights.items()},
        partial / WEIGHTS,
    )
    if model.card is not None:
        (partial / "card.yaml").write_text(card_text(model.card), encoding="utf-8")
    os.replace(partial, folder)


def _triple(values: Any, path: Path) -> tuple[float, float, float]:
    try:
        red, green, blue = (float(value) for value in values)
    except (TypeError, ValueError):
        raise ModelError(
            f"{path}: mean and std must hold three numbers each; got {values!r}."
        ) from None
    return red, green, blue


def _read_config(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: not a readable JSON file ({error}).") from None
    if not isinstance(content, dict) or "model_cfg" not in content:
        raise ModelError(f"{path}: holds no 'model_cfg'. Is this an open_clip model folder?")
    return content


def _load_weights(clip: nn.Module, path: Path, vocab_size: int) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise ModelError(f"{path}: no such file. The folder needs {WEIGHTS} beside {CONFIG}.")
    try:
        state = restore_token_table(load_file(path), vocab_size)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{path}: not a readable safetensors file ({error}).") from None
    state = {
        key: value.float() if value.is_floating_point() else value for key, value in state.items()
    }
    try:
        missing, unexpected = clip.load_state_dict(state, strict=False)
    except RuntimeError as error:
        problem = str(error).splitlines()[-1].strip()
        raise ModelError(f"{path}: does not fit its config: {problem}") from None
    if missing or unexpected:
        raise ModelError(
            f"{path}: does not fit its config: missing {missing[:3] or 'nothing'}, "
            f"unexpected {unexpected[:3] or 'nothing'}."
        )
    if any(not torch.isfinite(value).all() for value in state.values()):
        raise ModelError(f"{path}: holds NaN or infinite weights.")
