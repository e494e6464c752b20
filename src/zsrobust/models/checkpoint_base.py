"""The model that a checkpoint is put on, and which known ones would fit it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from zsrobust.errors import ModelError
from zsrobust.models.build import build_clip
from zsrobust.models.model import Model
from zsrobust.models.normalisation import CLIP
from zsrobust.models.tokenizer import tokenizer_for


def base_for(base: str | Path | Model, *, whole: bool, path: Path) -> Model:
    """The base by name, folder or as it is; for a `whole` CLIP a bare architecture will do."""
    import open_clip

    if isinstance(base, Model):
        return base
    if str(base) in open_clip.list_models():
        if not whole:
            raise ModelError(
                f"{path}: '{base}' is an architecture without weights, and this file needs those "
                f"of its base. Give its tag too, such as '{base}/openai'."
            )
        return _architecture(str(base))
    from zsrobust.models.load import load_model

    return load_model(base, "cpu")


def uses_quick_gelu(clip: nn.Module) -> bool:
    """Whether a model's blocks use QuickGELU, x * sigmoid(1.702 x), OpenAI's activation."""
    return any(type(module).__name__ == "QuickGELU" for module in clip.modules())


def fitting_architectures(tower: Mapping[str, Tensor]) -> list[str]:
    """open_clip's architectures whose ViT has the shapes of a tower's weights, at most four."""
    import open_clip

    found = _vit_shape(tower)
    if found is None:
        return []
    names = []
    for name in open_clip.list_models():
        config = open_clip.get_model_config(name) or {}
        vision = config.get("vision_cfg", {})
        shape = (
            vision.get("width"),
            vision.get("patch_size"),
            vision.get("layers"),
            config.get("embed_dim"),
            vision.get("image_size"),
        )
        clip = "timm_model_name" not in vision and "multimodal_cfg" not in config
        if shape == found and clip and "hf_model_name" not in config.get("text_cfg", {}):
            names.append(name)
    return sorted(names, key=lambda name: (not name.startswith("ViT"), len(name), name))[:4]


def _vit_shape(tower: Mapping[str, Tensor]) -> tuple[int, int, int, int, int] | None:
    """Width, patch, layers, embedding and image size of a ViT's weights; None for other towers."""
    needed = [tower.get(key) for key in ("conv1.weight", "proj", "positional_embedding")]
    convolution, projection, positions = needed
    if convolution is None or projection is None or positions is None or convolution.ndim != 4:
        return None
    if projection.ndim != 2 or positions.ndim != 2:
        return None
    blocks = {key.split(".")[2] for key in tower if key.startswith("transformer.resblocks.")}
    width, patch = int(convolution.shape[0]), int(convolution.shape[-1])
    side = round((positions.shape[0] - 1) ** 0.5) * patch
    return width, patch, len(blocks), int(projection.shape[1]), side


def _architecture(name: str) -> Model:
    """An open_clip architecture with random weights: a place for a whole CLIP to be put."""
    import open_clip

    config: dict[str, Any] = dict(open_clip.get_model_config(name))
    size = config.get("vision_cfg", {}).get("image_size", 224)
    return Model(
        name=name,
        clip=build_clip(config, name).eval(),
        tokenizer=tokenizer_for(name),
        image_size=int(max(size) if isinstance(size, (list, tuple)) else size),
        mean=CLIP[0],
        std=CLIP[1],
        config=config,
        source="",
    )
