"""A model as plain open_clip loads it: `local-dir:DIR`, without zsrobust."""

from __future__ import annotations

from pathlib import Path

from zsrobust.errors import ModelError
from zsrobust.models.folder import load_folder, save_folder
from zsrobust.models.model import Model

OURS = {
    "conv_stem": "its convolutional stem is zsrobust's own",
    "visual_prompt": "its visual prompts are part of the tower",
}
"""Blocks of a `model_cfg` that only zsrobust builds, and why other software cannot."""


def refuse_own_parts(model: Model, what: str) -> None:
    """Raises ModelError where a model has parts that `what` cannot represent, or no config."""
    for key, reason in OURS.items():
        if key in model.config:
            raise ModelError(
                f"{model.name}: {reason} ('{key}' in its config), and {what} cannot represent it. "
                "zsrobust itself loads its folder as it is."
            )
    if not model.config:
        raise ModelError(f"{model.name}: its open_clip config is not known, so it cannot be saved.")


def export_open_clip(model: Model, folder: Path) -> None:
    """Writes a model in open_clip's layout: config, safetensors and our card.

    What was written is read back, and must have the weights and the preprocessing of the model.
    Raises ModelError where `folder` exists or plain open_clip could not build the model.
    """
    refuse_own_parts(model, "plain open_clip")
    save_folder(model, folder)
    if load_folder(folder, model.name).fingerprint != model.fingerprint:
        raise ModelError(f"{folder}: what was read back is not {model.name}. Is the disk full?")
