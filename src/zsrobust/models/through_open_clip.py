"""Models as open_clip names them: an architecture with a pretrained tag, the hub, a folder."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from zsrobust.errors import ModelError, UnknownNameError
from zsrobust.models.build import INSTALL_TRANSFORMERS, pooled_only
from zsrobust.models.model import Model
from zsrobust.models.tokenizer import tokenizer_for
from zsrobust.registry import did_you_mean

HUB = "hf-hub:"
FOLDER = "local-dir:"


def is_open_clip_name(text: str) -> bool:
    """Whether `text` has the form `hf-hub:ORG/NAME` or ARCHITECTURE/TAG."""
    return text.startswith(HUB) or "/" in text


def architecture_and_tag(text: str) -> tuple[str, str | None]:
    """What open_clip calls model and pretrained; raises UnknownNameError for a pair it lacks."""
    import open_clip

    if text.startswith((HUB, FOLDER)):
        return text, None
    architecture, _, tag = text.rpartition("/")
    if (architecture, tag) not in open_clip.list_pretrained():
        known = [f"{name}/{pretrained}" for name, pretrained in open_clip.list_pretrained()]
        raise UnknownNameError(
            f"Unknown model '{text}'.{did_you_mean(text, known)} Give ARCHITECTURE/TAG as in "
            "open_clip.list_pretrained(), a catalogued name (zsrobust models) or a folder."
        )
    return architecture, tag


def activation_of(config: Mapping[str, Any]) -> str:
    """The image tower's activation by an open_clip `model_cfg`: `quickgelu`, `gelu`, `trunk's own`.

    open_clip ignores `quick_gelu` for timm trunks.
    """
    if config.get("vision_cfg", {}).get("timm_model_name"):
        return "trunk's own"
    return "quickgelu" if config.get("quick_gelu") else "gelu"


def through_open_clip(text: str, name: str | None = None, force_quick_gelu: bool = False) -> Model:
    """The model that open_clip loads for `text`, in eval mode on the CPU.

    text: ARCHITECTURE/TAG, `hf-hub:ORG/NAME` or `local-dir:DIR`. name: what to call it instead.
    force_quick_gelu: for weights trained with QuickGELU whose config does not say so.
    Raises ModelError where activation and tag disagree, or the weights cannot be had.
    """
    import open_clip

    architecture, tag = architecture_and_tag(text)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=".*QuickGELU mismatch.*")
            clip, _, _ = open_clip.create_model_and_transforms(
                architecture, pretrained=tag, force_quick_gelu=force_quick_gelu
            )
    except UserWarning as warning:
        raise ModelError(f"{text}: {warning}{_other_activation(architecture, tag)}") from None
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if "transformers" in reason:
            reason = f"its text tower needs the package 'transformers': {INSTALL_TRANSFORMERS}"
        raise ModelError(f"{text}: open_clip could not load it ({reason}).") from None
    config = dict(open_clip.get_model_config(architecture) or {})
    if force_quick_gelu:
        config["quick_gelu"] = True
    return _as_model(clip, text, name, architecture, config)


def _as_model(
    clip: Any, text: str, name: str | None, architecture: str, config: Mapping[str, Any]
) -> Model:
    import open_clip

    pooled_only(clip)
    preprocess = open_clip.get_model_preprocess_cfg(clip)
    size = preprocess["size"]
    return Model(
        name=name or text,
        clip=clip.eval(),
        tokenizer=tokenizer_for(architecture),
        image_size=int(max(size) if isinstance(size, (tuple, list)) else size),
        mean=tuple(preprocess["mean"]),
        std=tuple(preprocess["std"]),
        config=config,
        source=text,
    )


def _other_activation(architecture: str, tag: str | None) -> str:
    if tag is None:
        return ""
    quick = architecture.endswith("-quickgelu")
    other = architecture.removesuffix("-quickgelu") if quick else f"{architecture}-quickgelu"
    return f" Use '{other}/{tag}' instead."
