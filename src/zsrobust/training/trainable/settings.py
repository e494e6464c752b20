"""How a recipe says what is trained: `tower`, `last-tensors: 2`, `lora: {rank: 8}` ..."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from zsrobust.models.lora import LoraSettings
from zsrobust.registry import did_you_mean
from zsrobust.settings import StrictModel

KINDS = (
    "tower", "last-tensors", "last-blocks", "linear-probe",
    "visual-prompt", "prompt-tokens", "tokens+padding", "lora",
)  # fmt: skip


class Tower(StrictModel):
    """The whole image tower."""

    kind: Literal["tower"] = "tower"


class LastTensors(StrictModel):
    """The last `n` parameter tensors of the tower, in the order of OpenAI's CLIP."""

    kind: Literal["last-tensors"] = "last-tensors"
    n: int = Field(ge=1)


class LastBlocks(StrictModel):
    """The last `n` blocks of the tower, and the norm (or pool, or head) after them."""

    kind: Literal["last-blocks"] = "last-blocks"
    n: int = Field(ge=1)


class LinearProbe(StrictModel):
    """The linear map into the space of the text embeddings alone."""

    kind: Literal["linear-probe"] = "linear-probe"


class VisualPrompt(StrictModel):
    """Pixels added to the normalised image. size: of the frame's sides, or of the patch."""

    kind: Literal["visual-prompt"] = "visual-prompt"
    method: Literal["padding", "fixed-patch", "random-patch"] = "padding"
    size: int = Field(30, ge=1)


class PromptTokens(StrictModel):
    """`count` tokens behind the patch tokens, without positions, before the first norm."""

    kind: Literal["prompt-tokens"] = "prompt-tokens"
    count: int = Field(10, ge=1)


class TokensAndPadding(StrictModel):
    """Prompt tokens and a frame of `size` pixels, TeCoA's release's default."""

    kind: Literal["tokens+padding"] = "tokens+padding"
    count: int = Field(10, ge=1)
    size: int = Field(30, ge=1)


class Lora(LoraSettings):
    """Low-rank updates of the named modules of the tower."""

    kind: Literal["lora"] = "lora"


def _spelled(value: Any) -> Any:
    """`tower`, `{last-tensors: 2}` and `{lora: {rank: 8}}` as a mapping with a `kind`."""
    if isinstance(value, str):
        value = {"kind": value}
    if not isinstance(value, Mapping) or not value:
        return value
    if "kind" not in value:
        (name, rest), *more = value.items()
        if more:
            raise ValueError(f"name one thing that is trained; got {', '.join(map(str, value))}.")
        rest = {} if rest is None else rest
        value = {"kind": name, **(rest if isinstance(rest, Mapping) else {"n": rest})}
    if value["kind"] not in KINDS:
        raise ValueError(f"unknown '{value['kind']}'.{did_you_mean(str(value['kind']), KINDS)}")
    return value


Trainable = Annotated[
    Annotated[
        Tower
        | LastTensors
        | LastBlocks
        | LinearProbe
        | VisualPrompt
        | PromptTokens
        | TokensAndPadding
        | Lora,
        Field(discriminator="kind"),
    ],
    BeforeValidator(_spelled),
]
"""One of the above; written as a word, or as the word with what it needs."""
