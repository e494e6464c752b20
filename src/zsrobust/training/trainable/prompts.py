"""Visual prompts: pixels and tokens that are trained while the tower stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from zsrobust.errors import ModelError
from zsrobust.models import visual_prompt as prompts
from zsrobust.models.model import Model
from zsrobust.randomness import key_seed
from zsrobust.training.trainable.settings import PromptTokens, TokensAndPadding, VisualPrompt


def visual_prompt(model: Model, settings: VisualPrompt, seed: int) -> Model:
    """The model behind a trained frame or patch, added to the normalised image."""
    kind = settings.method.replace("-", "_")
    return _prompted(model, {"kind": kind, "size": settings.size}, seed)


def prompt_tokens(model: Model, settings: PromptTokens, seed: int) -> Model:
    """The model with trained tokens behind its patch tokens."""
    return _prompted(model, {"tokens": settings.count}, seed)


def tokens_and_padding(model: Model, settings: TokensAndPadding, seed: int) -> Model:
    """The model with both, as TeCoA's release trains by default."""
    both = {"kind": "padding", "size": settings.size, "tokens": settings.count}
    return _prompted(model, both, seed)


def _prompted(model: Model, settings: Mapping[str, Any], seed: int) -> Model:
    """Attached and drawn from N(0, 1), as the release initialises them."""
    if "visual_prompt" in model.config:
        raise ModelError(f"{model.name} has a visual prompt already. Train one on its base.")
    prompts.attach_visual_prompt(model.clip, settings)
    generator = torch.Generator().manual_seed(key_seed(seed, "visual prompt"))
    for module in model.visual.modules():
        if isinstance(module, (prompts.PixelPrompt, prompts.PromptTokens)):
            for parameter in module.parameters():
                parameter.data.copy_(torch.randn(parameter.shape, generator=generator))
                parameter.requires_grad_(True)
    model.clip.to(model.device).eval()
    return replace(model, config={**model.config, "visual_prompt": dict(settings)})
