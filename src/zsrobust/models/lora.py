"""Low-rank updates of an image tower (Hu et al., ICLR 2022), by `peft`: put in, and merged."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from torch import nn

from zsrobust.errors import ModelError
from zsrobust.settings import StrictModel

INSTALL = "pip install 'zsrobust[lora]'"


class LoraSettings(StrictModel):
    """W + (alpha / rank) B A at every module of the tower whose name ends in one of `targets`.

    The default targets are attention (queries, keys, values and output) and both linear maps of
    the MLP, as open_clip's ViT names them.
    """

    rank: int = Field(8, ge=1)
    alpha: float = Field(16.0, gt=0)
    targets: tuple[str, ...] = Field(("attn", "c_fc", "c_proj"), min_length=1)


def attach_lora(visual: nn.Module, settings: LoraSettings) -> Any:
    """Puts the updates into `visual`, in place; all else is frozen. peft's handle, for merging.

    Raises ModelError where peft is missing, where no module has such a name, or where a target
    would be trained without any effect.
    """
    try:
        from peft import LoraConfig, LoraModel
    except ImportError:
        raise ModelError(f"trainable: lora needs the package 'peft': {INSTALL}.") from None
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        target_modules=list(settings.targets),
    )
    try:
        handle = LoraModel(visual, config, "default")
    except (ValueError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"trainable.lora.targets = {list(settings.targets)}: {reason}") from None
    _refuse_dead_targets(visual)
    return handle


def _refuse_dead_targets(visual: nn.Module) -> None:
    """Refuses `out_proj`: attention in torch reads its weights and never calls it."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for name, module in visual.named_modules():
        if not isinstance(module, nn.MultiheadAttention) or name.endswith("base_layer"):
            continue
        if isinstance(module.out_proj, BaseTunerLayer):
            raise ModelError(
                "trainable.lora.targets: 'out_proj' alone has no effect, since attention in torch "
                "reads its weights without calling it. Name 'attn'."
            )
