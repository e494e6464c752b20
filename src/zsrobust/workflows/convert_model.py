"""Converting a model: what other software loads, with a card that says what was measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

from zsrobust.errors import ModelError, RunFolderError
from zsrobust.models.catalogue import model_entry, model_names
from zsrobust.models.checkpoint import load_checkpoint
from zsrobust.models.checkpoint_transformers import is_transformers_folder
from zsrobust.models.export_open_clip import export_open_clip
from zsrobust.models.export_transformers import export_transformers
from zsrobust.models.interpolate import check_clean_weight, interpolate
from zsrobust.models.load import load_model
from zsrobust.models.model import Model
from zsrobust.models.normalisation import Release
from zsrobust.report.card_table import card_table
from zsrobust.report.cells import Cell, some_cells

Format = Literal["open_clip", "transformers"]
EXPORTS: dict[Format, Callable[[Model, Path], None]] = {
    "open_clip": export_open_clip,
    "transformers": export_transformers,
}
CARD = "README.md"
CODE_LICENCE = "MIT (zsrobust, which wrote these files)"
UNKNOWN = "not stated by its source; ask its makers before you pass it on"
_USE = {
    "open_clip": 'open_clip.create_model_and_transforms("local-dir:{folder}")',
    "transformers": 'transformers.CLIPModel.from_pretrained("{folder}")',
}


@dataclass(frozen=True)
class Converted:
    """A written model: its folder, its format, and how many runs its card tells of."""

    folder: Path
    format: Format
    model: Model
    runs: int


def convert_model(
    model: str | Path | Model,
    out: str | Path,
    *,
    to: Format = "open_clip",
    base: str | Path | Model | None = None,
    clean_weight: float = 0.0,
    release: Release | None = None,
    prompt: str | None = None,
    runs: Sequence[str | Path] = (),
    licence: str | None = None,
) -> Converted:
    """Writes a model into `out` so that open_clip or transformers loads it, with a card.

    model: a checkpoint file of the literature, which needs `base`, or anything `load_model` takes.
    clean_weight: share of the base in the weights. release, prompt: see `load_checkpoint`.
    runs: folders of evaluations for the card's table; only those of these very weights count.
    licence: of the weights, where their source does not state it.
    Raises ModelError where the format has no place for a part of the model, RunFolderError where
    the runs are of another model.
    """
    if to not in EXPORTS:
        raise ModelError(f"format '{to}' is unknown. Known: {', '.join(EXPORTS)}.")
    loaded = _loaded(model, base, clean_weight, release, prompt)
    cells = _cells_of(loaded, runs)
    folder = Path(out)
    EXPORTS[to](loaded, folder)
    text = model_card(loaded, to, folder.name, cells, licence or _weights_licence(model, loaded))
    (folder / CARD).write_text(text, encoding="utf-8")
    return Converted(folder, to, loaded, len(cells))


def model_card(
    model: Model, to: Format, folder: str, cells: Sequence[Cell], weights_licence: str
) -> str:
    """The card in Markdown: front matter for the hub, use, licences, what was measured, notes."""
    head = {
        "library_name": to,
        "pipeline_tag": "zero-shot-image-classification",
        "tags": ["clip", "adversarial-robustness"],
    }
    table = card_table(cells) or "Nothing was measured of these weights when they were converted.\n"
    notes = [*(model.card.notes if model.card else ()), *model.warnings]
    about = [f"- Source: {model.source}", f"- Weights and preprocessing: {model.fingerprint}"]
    about += [f"- Mean {_numbers(model.mean)}, std {_numbers(model.std)}, {model.image_size} px"]
    return "\n".join(
        [
            f"---\n{yaml.safe_dump(head, sort_keys=False)}---\n",
            f"# {model.name}\n",
            *([f"{model.card.description}\n"] if model.card else []),
            *about,
            f"\nUse: `{_USE[to].format(folder=folder)}`\n",
            "## Licences\n",
            f"- Code: {CODE_LICENCE}",
            f"- Weights: {weights_licence}\n",
            "## Measured\n",
            table,
            *(["## Notes\n", *(f"- {note}" for note in notes), ""] if notes else []),
        ]
    )


def _loaded(
    model: str | Path | Model,
    base: str | Path | Model | None,
    clean_weight: float,
    release: Release | None,
    prompt: str | None,
) -> Model:
    check_clean_weight(clean_weight)
    if not isinstance(model, Model) and base is not None and _is_checkpoint(Path(model)):
        return load_checkpoint(model, base, clean_weight, release=release, prompt=prompt)
    if release is not None or prompt is not None:
        raise ModelError("release and prompt describe a checkpoint file, which needs a base too.")
    loaded = load_model(model, "cpu")
    if base is None:
        if clean_weight > 0:
            raise ModelError(f"clean_weight = {clean_weight:g} needs the base to mix in (--base).")
        return loaded
    return interpolate(load_model(base, "cpu"), loaded, clean_weight) if clean_weight else loaded


def _is_checkpoint(path: Path) -> bool:
    own_entry = path.suffix in (".yaml", ".yml")
    return (path.is_file() and not own_entry) or is_transformers_folder(path)


def _cells_of(model: Model, runs: Sequence[str | Path]) -> list[Cell]:
    """The evaluations of these weights among the runs beneath some folders."""
    found = [cell for folder in runs for cell in some_cells(Path(folder))]
    cells = [cell for cell in found if cell.header.model.hash == model.fingerprint]
    if found and not cells:
        others = sorted({f"{c.header.model.name} ({c.header.model.hash})" for c in found})
        raise RunFolderError(
            f"None of the {len(found)} runs is of {model.name} ({model.fingerprint}), but of "
            f"{', '.join(others)}. Evaluate the converted model and name that folder."
        )
    return cells


def _weights_licence(given: str | Path | Model, loaded: Model) -> str:
    if loaded.card is not None:
        return loaded.card.licence
    if not isinstance(given, Model) and str(given) in model_names():
        return model_entry(str(given)).licence.weights or UNKNOWN
    return UNKNOWN


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)
