"""The models that are known by name: one YAML an entry in `models/entries/`."""

from __future__ import annotations

from pathlib import Path

from zsrobust.models.card import Card, read_card
from zsrobust.settings import StrictModel, entry_names, find_entry, parse, read_yaml

ROOM = Path(__file__).parent
ENTRIES = ROOM / "entries"


class ModelEntry(StrictModel):
    """A catalogued model: where its weights are and what it is, in a line."""

    source: str
    description: str
    weights: str
    licence: str

    @property
    def folder(self) -> Path:
        """The bundled folder of weights."""
        return ROOM / "weights" / self.weights

    @property
    def card(self) -> Card | None:
        """The card beside the weights."""
        return read_card(self.folder)


def model_names() -> list[str]:
    """The catalogued names, sorted."""
    return entry_names(ENTRIES)


def model_entry(name: str) -> ModelEntry:
    """The entry of a catalogued model; raises UnknownNameError with the nearest known name."""
    path = find_entry(name, ENTRIES, "model", "zsrobust models")
    return parse(ModelEntry, read_yaml(path), path.name)
