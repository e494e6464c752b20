"""An open_clip model from its `model_cfg`, without weights."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from torch import nn

from zsrobust.errors import ModelError


def build_clip(config: Mapping[str, Any], where: str) -> nn.Module:
    """The open_clip `CLIP` (or `CustomTextCLIP`) that `config` describes, randomly initialised.

    A `conv_stem` block replaces the patch embedding by our convolutional stem.
    where: names the config in the ModelError that an impossible one raises.
    """
    from open_clip.model import CLIP, CustomTextCLIP

    settings = dict(copy.deepcopy(dict(config)))
    stem = settings.pop("conv_stem", None)
    custom_text = settings.pop("custom_text", False)
    if "multimodal_cfg" in settings:
        raise ModelError(
            f"{where}: generative models (multimodal_cfg) are no zero-shot classifiers."
        )
    try:
        model: nn.Module = (CustomTextCLIP if custom_text else CLIP)(**settings)
    except (TypeError, ValueError, AssertionError, LookupError, RuntimeError) as error:
        raise ModelError(f"{where}: open_clip cannot build this model_cfg ({error}).") from None
    if stem is not None:
        from zsrobust.models.conv_stem import attach_conv_stem

        attach_conv_stem(model, stem)
    return model
