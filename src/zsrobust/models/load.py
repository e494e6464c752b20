"""A model by the name its user knows it under."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch

from zsrobust.errors import ModelError, UnknownNameError
from zsrobust.models.catalogue import model_entry, model_names
from zsrobust.models.folder import is_model_folder, load_folder
from zsrobust.models.model import Model
from zsrobust.registry import did_you_mean

FORMS = "a catalogued name, a folder, local-dir:DIR, hf-hub:ORG/NAME or ARCHITECTURE/TAG"


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
    them (`ViT-B-32-quickgelu/openai`), or a `Model`, which is returned as it is.
    Raises ModelError or UnknownNameError (both exit 2).
    """
    where = choose_device(device)
    if isinstance(model, Model):
        return model.to(where)
    text = str(model)
    if text in model_names():
        entry = model_entry(text)
        return load_folder(entry.folder, text).to(where)
    folder = _folder_behind(text)
    if folder is not None:
        return load_folder(folder, _folder_name(folder)).to(where)
    if text.startswith("hf-hub:") or "/" in text:
        return _from_open_clip(text).to(where)
    raise UnknownNameError(
        f"Unknown model '{text}'.{did_you_mean(text, model_names())} Give {FORMS}."
    )


def _folder_behind(text: str) -> Path | None:
    named = text.startswith("local-dir:")
    folder = Path(text.removeprefix("local-dir:"))
    for candidate in (folder, folder / "final"):
        if is_model_folder(candidate):
            return candidate
    if named or folder.is_dir():
        raise ModelError(f"{folder}: no open_clip_config.json here or in final/.")
    return None


def _folder_name(folder: Path) -> str:
    return folder.parent.name if folder.name == "final" else folder.name


def _other_activation(architecture: str, tag: str | None) -> str:
    if tag is None:
        return ""
    quick = architecture.endswith("-quickgelu")
    other = architecture.removesuffix("-quickgelu") if quick else f"{architecture}-quickgelu"
    return f" Use '{other}/{tag}' instead."


def _from_open_clip(text: str) -> Model:
    import open_clip

    architecture, tag = (text, None) if text.startswith("hf-hub:") else text.rsplit("/", 1)
    if tag is not None and (architecture, tag) not in open_clip.list_pretrained():
        known = [f"{name}/{pretrained}" for name, pretrained in open_clip.list_pretrained()]
        raise UnknownNameError(f"Unknown model '{text}'.{did_you_mean(text, known)} Give {FORMS}.")
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=".*QuickGELU mismatch.*")
            clip, _, _ = open_clip.create_model_and_transforms(architecture, pretrained=tag)
    except UserWarning as warning:
        raise ModelError(f"{text}: {warning}{_other_activation(architecture, tag)}") from None
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{text}: open_clip could not load it ({reason}).") from None
    preprocess = open_clip.get_model_preprocess_cfg(clip)
    size = preprocess["size"]
    return Model(
        name=text,
        clip=clip.eval(),
        tokenizer=open_clip.get_tokenizer(architecture),
        image_size=int(size[0] if isinstance(size, (tuple, list)) else size),
        mean=tuple(preprocess["mean"]),
        std=tuple(preprocess["std"]),
        config=open_clip.get_model_config(architecture) or {},
        source=text,
    )
