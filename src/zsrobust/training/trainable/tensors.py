"""Parts of the tower's own weights: its last tensors, its last blocks, its read-out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from open_clip.modified_resnet import ModifiedResNet
from open_clip.timm_model import TimmModel
from open_clip.transformer import VisionTransformer
from torch import nn

from zsrobust.errors import ModelError
from zsrobust.models.model import Model
from zsrobust.training.trainable.settings import LastBlocks, LastTensors, LinearProbe, Tower

_BLOCK = (
    "attn.in_proj_weight", "attn.in_proj_bias", "attn.out_proj.weight", "attn.out_proj.bias",
    "ln_1.weight", "ln_1.bias", "mlp.c_fc.weight", "mlp.c_fc.bias",
    "mlp.c_proj.weight", "mlp.c_proj.bias", "ln_2.weight", "ln_2.bias",
)  # fmt: skip
"""The tensors of a block as OpenAI's CLIP registers them; open_clip has `ln_1` first."""


def tower(model: Model, settings: Tower, seed: int) -> Model:
    """The model, its whole image tower trained."""
    model.visual.requires_grad_(True)
    return model


def last_tensors(model: Model, settings: LastTensors, seed: int) -> Model:
    """The model, the last n tensors of `ordered_tensors` trained (TeCoA's `--last_num_ft`)."""
    tensors = ordered_tensors(model.visual)
    if settings.n > len(tensors):
        raise ModelError(
            f"trainable.last-tensors = {settings.n}: the tower of {model.name} has "
            f"{len(tensors)} tensors."
        )
    return _train(model, tensors[-settings.n :])


def last_blocks(model: Model, settings: LastBlocks, seed: int) -> Model:
    """The model, its last n blocks and all tensors registered after them trained.

    On OpenAI's ViT that is `last-tensors: 2 + 12 n`: the final norm, never the projection.
    """
    names = _block_names(model.visual)
    if settings.n > len(names):
        raise ModelError(
            f"trainable.last-blocks = {settings.n}: the tower of {model.name} has {len(names)} "
            "blocks that are known here."
        )
    tensors = ordered_tensors(model.visual)
    first = names[-settings.n] + "."
    start = next(i for i, (name, _) in enumerate(tensors) if name.startswith(first))
    return _train(model, tensors[start:])


def linear_probe(model: Model, settings: LinearProbe, seed: int) -> Model:
    """The model, only the map into the space of the text embeddings trained."""
    heads = _readout(model.visual)
    found = [pair for pair in ordered_tensors(model.visual) if pair[0].startswith(heads)]
    if not heads or not found:
        raise ModelError(
            f"trainable: linear-probe: no linear read-out is known for the tower of {model.name} "
            f"({type(model.visual).__name__}). Use last-blocks or last-tensors."
        )
    return _train(model, found)


def ordered_tensors(visual: nn.Module) -> list[tuple[str, nn.Parameter]]:
    """A tower's parameters by name, in the order in which the releases count "the last n".

    OpenAI's ViT: class and positional embedding and `proj` first, then `conv1`, `ln_pre`, the
    blocks, `ln_post`; so n = 2 is `ln_post` alone, and ViT-B/32's `proj` comes in at n = 150 of
    152. Other towers: in the order of registration.
    """
    named = list(visual.named_parameters())
    if not isinstance(visual, VisionTransformer):
        return named
    place = {name: i for i, (name, _) in enumerate(named)}

    def rank(pair: tuple[str, nn.Parameter]) -> tuple[int, int]:
        head, blocks, rest = pair[0].partition("transformer.resblocks.")
        number, _, inner = rest.partition(".")
        if head or not blocks:
            return place[pair[0]], 0
        first = min(at for name, at in place.items() if name.startswith(f"{blocks}{number}."))
        return first, _BLOCK.index(inner) if inner in _BLOCK else len(_BLOCK)

    return sorted(named, key=rank)


def _block_names(visual: nn.Module) -> list[str]:
    blocks = list(_blocks(visual))
    names = {id(module): name for name, module in visual.named_modules()}
    return [names[id(block)] for block in blocks]


def _blocks(visual: Any) -> Sequence[nn.Module]:
    if isinstance(visual, VisionTransformer):
        return list(visual.transformer.resblocks)
    if isinstance(visual, ModifiedResNet):
        layers = (visual.layer1, visual.layer2, visual.layer3, visual.layer4)
        return [block for layer in layers for block in layer]
    trunk: Any = getattr(visual, "trunk", visual)
    if hasattr(trunk, "blocks"):
        return list(trunk.blocks)
    return [block for stage in getattr(trunk, "stages", ()) for block in stage.blocks]


def _readout(visual: nn.Module) -> tuple[str, ...]:
    """The prefix of the names of the read-out's tensors; none where it is not known."""
    if isinstance(visual, VisionTransformer):
        return ("proj",)
    if isinstance(visual, ModifiedResNet):
        return ("attnpool.c_proj.",)
    if isinstance(visual, TimmModel):
        own = any(name.startswith("head.") for name, _ in visual.named_parameters())
        return ("head.",) if own else ("trunk.head.",)
    return ()


def _train(model: Model, tensors: Sequence[tuple[str, nn.Parameter]]) -> Model:
    for _, parameter in tensors:
        parameter.requires_grad_(True)
    return model
