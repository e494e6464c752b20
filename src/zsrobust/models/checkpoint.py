"""A checkpoint of the literature, put on the model that it was made from."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

from zsrobust.errors import ModelError
from zsrobust.models.checkpoint_base import base_for, uses_quick_gelu
from zsrobust.models.checkpoint_containers import parts_of
from zsrobust.models.checkpoint_file import read_weights_file
from zsrobust.models.checkpoint_fit import load_fitting, nearness
from zsrobust.models.checkpoint_parts import Parts
from zsrobust.models.checkpoint_release import SHARED
from zsrobust.models.checkpoint_transformers import activation_beside, weights_of
from zsrobust.models.interpolate import check_clean_weight, interpolate
from zsrobust.models.model import Model
from zsrobust.models.normalisation import NORMALISATIONS, Release
from zsrobust.models.visual_prompt import attach_visual_prompt, prompt_settings, prompt_state

FAR = 0.5
"""Cosine of a tower's weights to its base's below which they are hardly the same tower tuned."""


def load_checkpoint(
    path: str | Path,
    base: str | Path | Model,
    clean_weight: float = 0.0,
    *,
    release: Release | None = None,
    prompt: str | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Model:
    """The model in a checkpoint file (or a CLIP folder of transformers), in eval mode, on the CPU.

    What the file is, is told by what it holds (`CONTAINERS`); it is read without running code.
    base: the model it was made from, which brings architecture, tokenizer, normalisation, and the
    text tower where the file has none; for a whole CLIP an open_clip architecture is enough.
    clean_weight: share of the base in the weights, in [0, 1] (`interpolate`). release: who made
    it, for the normalisation that they trained with (PMG-AFT: ImageNet's). prompt: `fixed_patch`
    or `random_patch`, which a file with a patch does not tell. mean, std: instead of the base's.
    Raises ModelError naming file, keys and shapes where something does not fit.
    """
    path = Path(path)
    check_clean_weight(clean_weight)
    if release is not None and release not in get_args(Release):
        raise ModelError(f"release '{release}' is unknown. Known: {', '.join(get_args(Release))}.")
    parts = parts_of(read_weights_file(weights_of(path)), path)
    if parts.config_beside:
        parts = replace(parts, quick_gelu=activation_beside(path))
    onto = base_for(base, whole=parts.whole is not None and clean_weight == 0, path=path)
    _check_activation(parts, onto, path)
    tuned = _weights_in_place(parts, onto, path)
    said = _warnings(parts, onto, release)
    if clean_weight > 0:
        _refuse_prompts(parts, path)
        tuned = interpolate(onto, tuned, clean_weight)
    tuned = _prompted(parts, tuned, prompt, path)
    about_mean, about_std = NORMALISATIONS[release] if release else (onto.mean, onto.std)
    return replace(
        tuned,
        name=_name(path, clean_weight),
        mean=_three(mean, about_mean, "mean"),
        std=_three(std, about_std, "std"),
        source=f"{path} on {onto.source}",
        card=None,
        warnings=(*onto.warnings, *said),
    )


def _weights_in_place(parts: Parts, base: Model, path: Path) -> Model:
    clip = copy.deepcopy(base.clip)
    where = f"{path} ({parts.container})"
    if parts.whole is not None:
        load_fitting(clip, parts.whole, where, base.name)
    elif parts.tower is not None:
        load_fitting(clip.visual, parts.tower, where, base.name)  # type: ignore[arg-type]
    elif not parts.prompt and parts.tokens is None:
        raise ModelError(f"{where}: holds neither a tower nor a prompt.")
    return replace(base, clip=clip.eval())


def _prompted(parts: Parts, model: Model, kind: str | None, path: Path) -> Model:
    if not parts.prompt and parts.tokens is None:
        return model
    try:
        settings = prompt_settings(parts.prompt, parts.tokens, kind)
        attach_visual_prompt(model.clip, settings)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    wanted = prompt_state(parts.prompt, parts.tokens, settings)
    there = dict(model.visual.state_dict())
    load_fitting(model.visual, there | wanted, f"{path} ({parts.container})", model.name)
    model.clip.eval()
    return replace(model, config={**model.config, "visual_prompt": settings})


def _check_activation(parts: Parts, base: Model, path: Path) -> None:
    if parts.quick_gelu is None or uses_quick_gelu(base.clip) == parts.quick_gelu:
        return
    needs, has = ("QuickGELU", "GELU") if parts.quick_gelu else ("GELU", "QuickGELU")
    hint = "OpenAI's: 'ViT-B-32-quickgelu/openai'" if parts.quick_gelu else "one without -quickgelu"
    raise ModelError(
        f"{path}: {parts.container} needs a base with {needs}, as it was trained; {base.name} has "
        f"{has}. The wrong one costs accuracy silently. Give {hint}."
    )


def _warnings(parts: Parts, base: Model, release: str | None) -> tuple[str, ...]:
    """What nobody can see in the weights, or what looks wrong about them."""
    said = [note for note in parts.notes if release is None or note != SHARED]
    state = parts.tower
    if parts.whole is not None:
        state = {k.removeprefix("visual."): v for k, v in parts.whole.items() if "visual." in k}
    near = nearness(state, base.visual) if state and base.source else None
    if near is not None and near < FAR:
        said.append(
            f"The tower's weights have little in common with {base.name}'s (cosine {near:.2f}): "
            "was it made from another model? With another one's text tower it only guesses."
        )
    return tuple(said)


def _refuse_prompts(parts: Parts, path: Path) -> None:
    if parts.prompt or parts.tokens is not None:
        raise ModelError(
            f"{path}: holds a visual prompt, which has no counterpart in the base to be mixed with."
        )


def _name(path: Path, clean_weight: float) -> str:
    name = path.name.split(".")[0] or path.name
    return f"{name}-clean-{clean_weight:g}" if clean_weight else name


def _three(
    given: Sequence[float] | None, default: tuple[float, float, float], what: str
) -> tuple[float, float, float]:
    if given is None:
        return default
    if len(given) != 3:
        raise ModelError(f"{what} must hold three numbers, one a channel; got {list(given)}.")
    red, green, blue = (float(value) for value in given)
    return red, green, blue
