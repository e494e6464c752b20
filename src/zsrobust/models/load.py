"""A model by the name its user knows it under."""

from __future__ import annotations

from pathlib import Path

import torch

from zsrobust.errors import ModelError, UnknownNameError
from zsrobust.models.catalogue import ModelEntry, model_entry, model_names
from zsrobust.models.folder import is_model_folder, load_folder
from zsrobust.models.model import Model
from zsrobust.models.through_open_clip import (
    activation_of,
    is_open_clip_name,
    through_open_clip,
)
from zsrobust.models.zoo import fetch_weights
from zsrobust.registry import did_you_mean

FORMS = (
    "a catalogued name, a folder, a YAML file about a checkpoint, local-dir:DIR, hf-hub:ORG/NAME "
    "or ARCHITECTURE/TAG"
)


def choose_device(device: str = "auto") -> torch.device:
    """The device that `device` means: `auto` takes a GPU where there is one."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"device '{device}' cannot be used: {reason}. Try cpu.") from None
    return chosen


def load_model(model: str | Path | Model, device: str = "auto") -> Model:
    """A model in eval mode on `device`.

    model: a catalogued name (`zsrobust models`), a folder in open_clip's layout or a training run
    that holds `final/`, `local-dir:DIR`, `hf-hub:ORG/NAME`, `ARCHITECTURE/TAG` as open_clip names
    them (`ViT-B-32-quickgelu/openai`), or a `Model`, which is returned as it is. A name whose
    weights are not on this machine is fetched, as open_clip does.
    Raises ModelError or UnknownNameError (both exit 2).
    """
    where = choose_device(device)
    if isinstance(model, Model):
        return model.to(where)
    text = str(model)
    if text in model_names():
        return _catalogued(text, model_entry(text)).to(where)
    own = own_checkpoint(Path(text))
    if own is not None:
        return own.to(where)
    folder = folder_behind(text)
    if folder is not None:
        return load_folder(folder, folder_name(folder)).to(where)
    if is_open_clip_name(text):
        return through_open_clip(text).to(where)
    raise UnknownNameError(
        f"Unknown model '{text}'.{did_you_mean(text, model_names())} Give {FORMS}."
    )


def folder_behind(text: str) -> Path | None:
    """The model folder that `text` names, itself or its `final/`; None where it names none.

    Raises ModelError for a folder, or a `local-dir:`, without a model in it.
    """
    named = text.startswith("local-dir:")
    folder = Path(text.removeprefix("local-dir:"))
    for candidate in (folder, folder / "final"):
        if is_model_folder(candidate):
            return candidate
    if named or folder.is_dir():
        raise ModelError(f"{folder}: no open_clip_config.json here or in final/.")
    return None


def folder_name(folder: Path) -> str:
    """What a model folder is called: a run's `final/` by the run."""
    return folder.parent.name if folder.name == "final" else folder.name


def own_checkpoint(path: Path) -> Model | None:
    """A user's YAML about a checkpoint, or a CLIP that transformers saved; None for neither."""
    if path.suffix in (".yaml", ".yml"):
        from zsrobust.models.checkpoint_entry import load_checkpoint_entry

        return load_checkpoint_entry(path)
    if path.is_dir():
        from zsrobust.models.checkpoint_transformers import (
            is_transformers_folder,
            load_transformers_folder,
        )

        return load_transformers_folder(path) if is_transformers_folder(path) else None
    if path.is_file():
        raise ModelError(
            f"{path}: a file of weights, which needs its base. Write a YAML file of "
            f"`checkpoint: {path}` and `base: NAME` and give that, or convert it with --base; "
            "see docs/checkpoints.md."
        )
    return None


def _catalogued(name: str, entry: ModelEntry) -> Model:
    if entry.bundled:
        return load_folder(entry.folder, name)
    weights = fetch_weights(name, entry)
    if weights.is_dir():
        quick = entry.activation == "quickgelu"
        model = through_open_clip(f"local-dir:{weights}", name, force_quick_gelu=quick)
        if entry.activation == "gelu" and activation_of(model.config) == "quickgelu":
            raise ModelError(f"{weights}: its config says QuickGELU; {name} was trained with GELU.")
        return model
    base = entry.architecture if entry.whole and not entry.clean_weight else entry.base
    if base is None:
        raise ModelError(f"{name}: its entry names no base to put {weights} on.")
    from zsrobust.models.checkpoint import load_checkpoint

    loaded = load_checkpoint(weights, base, entry.clean_weight, release=entry.release)
    return loaded.named(name, None)
