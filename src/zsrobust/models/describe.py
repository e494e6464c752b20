"""What is known of a model by its name, without fetching weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from zsrobust.errors import ModelError, UnknownNameError
from zsrobust.models.card import Card
from zsrobust.models.catalogue import ModelEntry, model_entry, model_names
from zsrobust.models.cost import Cost, cost_of, shell_of, shell_of_config
from zsrobust.models.features import gives_patches
from zsrobust.models.folder import load_folder
from zsrobust.models.load import FORMS, folder_behind, folder_name, own_checkpoint
from zsrobust.models.model import Model
from zsrobust.models.through_open_clip import (
    HUB,
    activation_of,
    architecture_and_tag,
    is_open_clip_name,
)
from zsrobust.models.towers.catalogue import TOWERS, tower_kind
from zsrobust.registry import did_you_mean


@dataclass(frozen=True)
class Anatomy:
    """The parts of a model, as its config has them.

    tower: a name in `TOWERS`. patches: whether it gives patch features; link: by what identity, or
    why not. width: of the image tower's tokens or last map. mean, std: of pixels in [0, 1].
    logit_scale, logit_bias: None where they lie in weights that are not on this machine.
    """

    tower: str
    title: str
    patches: bool
    link: str
    cost: Cost
    input_shape: tuple[int, int]
    width: int
    context_length: int
    activation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    logit_scale: float | None = None
    logit_bias: float | None = None


@dataclass(frozen=True)
class Description:
    """All that is known of a model: anatomy (None before its config is fetched), entry, card."""

    name: str
    anatomy: Anatomy | None
    entry: ModelEntry | None = None
    card: Card | None = None
    notes: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """Everything as plain data, for a machine to read."""
        return {
            "name": self.name,
            "anatomy": asdict(self.anatomy) if self.anatomy else None,
            "entry": self.entry.model_dump() if self.entry else None,
            "card": self.card.model_dump() if self.card else None,
            "notes": list(self.notes),
        }


def describe_model(name: str) -> Description:
    """What is known of the model called `name`, in any form that `load_model` takes.

    Weights are read only where they are bundled or in a folder; nothing is fetched but, for
    `hf-hub:`, the config, a small file. Raises UnknownNameError or ModelError.
    """
    if name in model_names():
        return _catalogued(name, model_entry(name))
    own = own_checkpoint(Path(name))
    if own is not None:
        return _loaded(own, name, None)
    folder = folder_behind(name)
    if folder is not None:
        return _loaded(load_folder(folder, folder_name(folder)), name, None)
    if is_open_clip_name(name):
        return Description(name, _by_open_clip_name(name))
    raise UnknownNameError(
        f"Unknown model '{name}'.{did_you_mean(name, model_names())} Give {FORMS}."
    )


def _catalogued(name: str, entry: ModelEntry) -> Description:
    if entry.bundled:
        return _loaded(load_folder(entry.folder, name), name, entry)
    if entry.base is None:
        note = "Its parts are known once its config is fetched, with the weights."
        return Description(name, None, entry, notes=(note,))
    note = f"Parts as its base has them, {entry.base}."
    return Description(name, _by_open_clip_name(entry.base), entry, notes=(note,))


def _loaded(model: Model, name: str, entry: ModelEntry | None) -> Description:
    anatomy = _anatomy(
        shell_of(model.clip),
        model.config,
        model.input_shape,
        (model.mean, model.std),
        (model.logit_scale, model.logit_bias),
    )
    return Description(name, anatomy, entry, model.card, model.warnings)


def _by_open_clip_name(text: str) -> Anatomy:
    import open_clip

    architecture, tag = architecture_and_tag(text)
    try:
        config = open_clip.get_model_config(architecture)
    except Exception as error:
        raise ModelError(f"{text}: its config could not be had ({error}).") from None
    if not config:
        raise ModelError(f"{text}: no config of it was found.")
    known = {} if tag is None else open_clip.get_pretrained_cfg(architecture, tag)
    size = config["vision_cfg"].get("image_size", 224)
    shape = (int(size[0]), int(size[1])) if isinstance(size, (list, tuple)) else (size, size)
    mean = tuple(known.get("mean") or open_clip.OPENAI_DATASET_MEAN)
    std = tuple(known.get("std") or open_clip.OPENAI_DATASET_STD)
    if text.startswith(HUB):
        mean, std = (), ()
    return _anatomy(shell_of_config(config, text), config, shape, (mean, std), (None, None))


def _anatomy(
    shell: nn.Module,
    config: Mapping[str, Any],
    shape: tuple[int, int],
    normalisation: tuple[tuple[float, ...], tuple[float, ...]],
    logits: tuple[float | None, float | None],
) -> Anatomy:
    visual: Any = shell.visual
    kind = tower_kind(visual)
    return Anatomy(
        tower=kind,
        title=TOWERS[kind].title,
        patches=gives_patches(visual),
        link=TOWERS[kind].link,
        cost=cost_of(shell, shape),
        input_shape=shape,
        width=_width(visual, config),
        context_length=int(config.get("text_cfg", {}).get("context_length", 77)),
        activation=activation_of(config),
        mean=normalisation[0],
        std=normalisation[1],
        logit_scale=logits[0],
        logit_bias=logits[1],
    )


def _width(visual: Any, config: Mapping[str, Any]) -> int:
    trunk = getattr(visual, "trunk", None)
    if trunk is not None:
        return int(trunk.num_features)
    width = int(config["vision_cfg"].get("width", 768))
    return width * 32 if hasattr(visual, "attnpool") else width
