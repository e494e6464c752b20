"""Visual prompts: what TeCoA's release can train instead of the tower's weights.

A pixel prompt is added to the *normalised* image, as the release does it: a frame (`padding`), a
patch at the top left (`fixed_patch`), or a patch at a place drawn anew at every forward
(`random_patch`). Prompt tokens are appended after the patch tokens, without positions, before
`ln_pre`. Both become part of the tower, so that every attack goes through them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn
from torch.nn.functional import pad

from zsrobust.errors import ModelError

FRAME = ("pad_up", "pad_down", "pad_left", "pad_right")
KINDS = ("padding", "fixed_patch", "random_patch")


class PixelPrompt(nn.Module):
    """Adds a trained frame or patch to normalised pixels (B, 3, S, S).

    kind: one of `KINDS`. size: of the frame's sides, or of the patch, in pixels. side: S.
    """

    def __init__(self, kind: str, size: int, side: int) -> None:
        super().__init__()
        self.kind, self.size, self.side = kind, size, side
        for name, shape in prompt_shapes(kind, size, side).items():
            self.register_parameter(name, nn.Parameter(torch.zeros(shape)))

    def forward(self, pixels: Tensor) -> Tensor:
        """The prompted pixels; other ones at each call for `random_patch` (torch's generator)."""
        return pixels + self._frame() if self.kind == "padding" else pixels + self._patch()

    def _frame(self) -> Tensor:
        up, down, left, right = (self.get_parameter(name) for name in FRAME)
        inner = self.side - 2 * self.size
        rows = torch.cat([left, left.new_zeros(1, 3, inner, inner), right], dim=3)
        return torch.cat([up, rows, down], dim=2)

    def _patch(self) -> Tensor:
        patch = self.get_parameter(self.kind)
        free = self.side - self.size
        left = top = 0
        if self.kind == "random_patch" and free > 0:
            left, top = (int(offset) for offset in torch.randint(free, (2,)))
        return pad(patch, (left, free - left, top, free - top))


class PromptTokens(nn.Module):
    """Appends trained tokens: (B, 1 + N, width) to (B, 1 + N + L, width)."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.prompt = nn.Parameter(torch.zeros(1, count, width))

    def forward(self, tokens: Tensor) -> Tensor:
        """The tokens with the prompt behind them; CLS stays in front."""
        return torch.cat([tokens, self.prompt.to(tokens.dtype).expand(len(tokens), -1, -1)], dim=1)


def prompt_shapes(kind: str, size: int, side: int) -> dict[str, tuple[int, int, int, int]]:
    """Names and shapes of a pixel prompt's parameters; a patch is named after its kind."""
    if kind == "padding":
        flat, upright = (1, 3, size, side), (1, 3, side - 2 * size, size)
        return dict(zip(FRAME, (flat, flat, upright, upright), strict=True))
    return {kind: (1, 3, size, size)}


def is_pixel_prompt(state: Mapping[str, Tensor]) -> bool:
    """Whether a state dict is that of a pixel prompt and of nothing else."""
    return set(state) in ({*FRAME}, {"patch"})


def attach_visual_prompt(clip: nn.Module, settings: Mapping[str, Any]) -> None:
    """Puts a pixel prompt before `clip.visual.conv1`, prompt tokens before `ln_pre`, or both.

    settings: `kind` and `size` of the pixel prompt, `tokens`: how many are appended; either part
    may be left out. Raises ModelError for a tower that is no ViT, or sizes that do not fit it.
    """
    visual = clip.visual
    if not isinstance(visual, VisionTransformer):
        raise ModelError(f"visual_prompt needs a ViT; this tower is {type(visual).__name__}.")
    unknown = set(settings) - {"kind", "size", "tokens"}
    if unknown:
        raise ModelError(f"visual_prompt: unknown key '{sorted(unknown)[0]}'.")
    if "kind" in settings:
        kind, size, side = settings["kind"], int(settings["size"]), int(visual.image_size[0])
        room = side // 2 if kind == "padding" else side
        if kind not in KINDS or not 0 < size <= room:
            raise ModelError(
                f"visual_prompt: kind {kind!r} of {size} px does not fit an image of {side} px. "
                f"Kinds: {', '.join(KINDS)}."
            )
        visual.conv1 = nn.Sequential(PixelPrompt(kind, size, side), visual.conv1)
    if settings.get("tokens"):
        if visual.pool_type != "tok":
            raise ModelError("visual_prompt: tokens need a CLS-pooled ViT.")
        width = int(visual.class_embedding.shape[0])
        visual.patch_dropout = PromptTokens(int(settings["tokens"]), width)


def prompt_settings(
    prompt: Mapping[str, Tensor], tokens: Tensor | None, kind: str | None
) -> dict[str, Any]:
    """The `visual_prompt` settings that fit trained prompts.

    kind: which of the two patch prompts it is; a file does not say. Raises ModelError where that
    is needed, or where the shapes are none that a prompt has.
    """
    settings: dict[str, Any] = {}
    if prompt:
        if not is_pixel_prompt(prompt):
            raise ModelError(f"its prompt has the keys {sorted(prompt)}: no prompt we know.")
        found = "padding" if "patch" not in prompt else _patch_kind(kind)
        first = prompt.get("patch", prompt.get("pad_up"))
        if first is None or first.ndim != 4:
            raise ModelError("its prompt is no (1, 3, height, width).")
        settings = {"kind": found, "size": int(first.shape[2])}
    if tokens is not None:
        if tokens.ndim != 3:
            raise ModelError(f"its prompt tokens are {tuple(tokens.shape)}, not (1, L, width).")
        settings["tokens"] = int(tokens.shape[1])
    return settings


def prompt_state(
    prompt: Mapping[str, Tensor], tokens: Tensor | None, settings: Mapping[str, Any]
) -> dict[str, Tensor]:
    """Trained prompts under the keys that they have in a prompted tower."""
    kind = settings.get("kind")
    named = {str(kind) if key == "patch" else key: value for key, value in prompt.items()}
    state = {f"conv1.0.{key}": value for key, value in named.items()}
    return state | ({} if tokens is None else {"patch_dropout.prompt": tokens})


def _patch_kind(kind: str | None) -> str:
    if kind not in ("fixed_patch", "random_patch"):
        raise ModelError(
            "it holds a patch, and does not say whether at a fixed or a random place: say "
            "`prompt: fixed_patch` or `prompt: random_patch` (--prompt)."
        )
    return kind
