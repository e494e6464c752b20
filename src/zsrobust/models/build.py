"""An open_clip model from its `model_cfg`, without weights."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from torch import nn

from zsrobust.errors import ModelError

INSTALL_TRANSFORMERS = "pip install transformers"


def build_clip(config: Mapping[str, Any], where: str) -> nn.Module:
    """The open_clip model that `config` describes, randomly initialised, and nothing downloaded.

    `CLIP`, `CustomTextCLIP` or `CoCa`, as open_clip itself chooses; its `visual` gives the pooled
    embedding alone. A `conv_stem` block replaces the patch embedding by our convolutional stem,
    a `visual_prompt` block adds trained prompts.
    where: names the config in the ModelError that an impossible one raises.
    """
    from open_clip.coca_model import CoCa
    from open_clip.model import CLIP, CustomTextCLIP

    settings = dict(copy.deepcopy(dict(config)))
    stem = settings.pop("conv_stem", None)
    prompt = settings.pop("visual_prompt", None)
    custom_text = settings.pop("custom_text", False)
    _without_downloads(settings)
    kind: type[nn.Module] = CLIP
    if custom_text or settings.get("text_cfg", {}).get("hf_model_name"):
        kind = CustomTextCLIP
    if "multimodal_cfg" in settings:
        kind = CoCa
    try:
        model = kind(**settings)
    except (TypeError, ValueError, AssertionError, LookupError, RuntimeError) as error:
        if "transformers" in str(error):
            raise ModelError(
                f"{where}: its text tower needs the package 'transformers': {INSTALL_TRANSFORMERS}."
            ) from None
        raise ModelError(f"{where}: open_clip cannot build this model_cfg ({error}).") from None
    pooled_only(model)
    if stem is not None:
        from zsrobust.models.conv_stem import attach_conv_stem

        attach_conv_stem(model, stem)
    if prompt is not None:
        from zsrobust.models.visual_prompt import attach_visual_prompt

        attach_visual_prompt(model, prompt)
    return model


def pooled_only(model: nn.Module) -> None:
    """Makes `model.visual` return the pooled embedding alone, as a classifier needs it."""
    visual: Any = model.visual
    if getattr(visual, "output_tokens", False):
        visual.output_tokens = False


def _without_downloads(settings: dict[str, Any]) -> None:
    """Weights come from the model's own file: no tower is to fetch another's first."""
    if settings.get("vision_cfg", {}).get("timm_model_name"):
        settings["vision_cfg"]["timm_model_pretrained"] = False
    if settings.get("text_cfg", {}).get("hf_model_name"):
        settings["text_cfg"]["hf_model_pretrained"] = False
