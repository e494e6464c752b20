"""An adapted model as a folder: what was trained, and the name and hash of its base."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from torch import Tensor

from zsrobust.errors import InputError, ModelError
from zsrobust.models.card import Card, card_text, read_card
from zsrobust.models.checkpoint_fit import load_fitting
from zsrobust.models.lora import LoraSettings, attach_lora
from zsrobust.models.model import Model
from zsrobust.models.visual_prompt import attach_visual_prompt
from zsrobust.settings import StrictModel, parse, read_yaml

ENTRY = "adapted.yaml"
WEIGHTS = "trained.safetensors"


class Base(StrictModel):
    """The model that was adapted. source: a folder, which is tried before the name."""

    name: str
    source: str
    hash: str


class AdaptedEntry(StrictModel):
    """What `adapted.yaml` holds: the base, and what was put into it before training."""

    base: Base
    visual_prompt: dict[str, Any] | None = None
    lora: LoraSettings | None = None


def is_adapted_folder(folder: Path) -> bool:
    """Whether `folder` holds an adapted model."""
    return (folder / ENTRY).is_file()


def trained_tensors(model: Model) -> dict[str, Tensor]:
    """The tensors of the model that require a gradient, by name."""
    named = model.clip.named_parameters()
    return {name: value.detach() for name, value in named if value.requires_grad}


def save_adapted(model: Model, base: Model, folder: Path, lora: LoraSettings | None = None) -> None:
    """Writes what of `model` was trained, so that a kill leaves the whole folder or none.

    Where `base` cannot be found again by its name or its folder (a model made in Python), the
    whole model is written instead, low-rank updates merged. Raises ModelError if `folder` exists.
    """
    from safetensors.torch import save_file

    from zsrobust.models.folder import save_folder

    source = Path(base.source)
    about = Base(
        name=base.name,
        source=str(source.resolve()) if source.exists() else base.source,
        hash=base.fingerprint,
    )
    entry = AdaptedEntry(base=about, visual_prompt=_prompt_of(model), lora=lora)
    tensors = {name: value.cpu().contiguous() for name, value in trained_tensors(model).items()}
    try:
        find_base(about)
    except InputError:
        save_folder(replace(put_on(base, entry, tensors, model.name), card=model.card), folder)
        return
    if folder.exists():
        raise ModelError(f"{folder} exists. Give another folder, or remove it first.")
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    content = entry.model_dump(mode="json", exclude_none=True)
    (partial / ENTRY).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    save_file(tensors, partial / WEIGHTS)
    if model.card is not None:
        (partial / "card.yaml").write_text(card_text(model.card), encoding="utf-8")
    os.replace(partial, folder)


def load_adapted(folder: Path, name: str, card: Card | None = None) -> Model:
    """The model that an adapted folder means, on the CPU, in eval mode, updates merged.

    Raises ModelError where its base is not found, is another one, or does not fit.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    entry = parse(AdaptedEntry, read_yaml(folder / ENTRY), str(folder / ENTRY))
    try:
        tensors = load_file(folder / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{folder / WEIGHTS}: cannot be read ({error}).") from None
    try:
        base = find_base(entry.base)
    except InputError as error:
        raise ModelError(f"{folder / ENTRY}: {error}") from None
    model = put_on(base, entry, tensors, name, str(folder / WEIGHTS))
    return replace(model, source=str(folder), card=card or read_card(folder))


def find_base(base: Base) -> Model:
    """The model that `base` names, by its folder or else by its name, on the CPU.

    Raises ModelError unless its weights and preprocessing have the hash.
    """
    from zsrobust.models.load import load_model

    here = [base.source] if Path(base.source).exists() else []
    found = []
    for reference in dict.fromkeys([*here, base.name]):
        try:
            model = load_model(reference, "cpu")
        except InputError as error:
            found.append(f"{reference}: {str(error).splitlines()[0]}")
            continue
        if model.fingerprint == base.hash:
            return model
        found.append(f"{reference} has the hash {model.fingerprint}")
    raise ModelError(
        f"its base {base.name} ({base.hash}) is not here ({'; '.join(found)}). "
        "Correct base.source, the folder of the base."
    )


def put_on(
    base: Model, entry: AdaptedEntry, tensors: Mapping[str, Tensor], name: str, where: str = ""
) -> Model:
    """A copy of `base` with trained tensors in their place; raises ModelError unless they fit."""
    model = replace(base, clip=copy.deepcopy(base.clip).cpu(), name=name, card=None)
    handle = None
    if entry.visual_prompt is not None:
        attach_visual_prompt(model.clip, entry.visual_prompt)
        model = replace(model, config={**model.config, "visual_prompt": entry.visual_prompt})
    if entry.lora is not None:
        handle = attach_lora(model.visual, entry.lora)
    load_fitting(model.clip, {**model.clip.state_dict(), **tensors}, where or name, base.name)
    if handle is not None:
        handle.merge_and_unload()
    model.clip.eval()
    return model


def _prompt_of(model: Model) -> dict[str, Any] | None:
    prompt = model.config.get("visual_prompt")
    return None if prompt is None else dict(prompt)
