"""The models that are known by name: one YAML an entry in `models/entries/`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from zsrobust.models.card import Card, read_card
from zsrobust.models.normalisation import Release
from zsrobust.settings import StrictModel, entry_names, find_entry, parse, read_yaml

ROOM = Path(__file__).parent
ENTRIES = ROOM / "entries"

Format = Literal[
    "bundled",
    "open_clip-folder",
    "open_clip-state-dict",
    "robustvlm-visual",
    "release-pth-tar",
    "visual-prompt",
    "hf-vision",
    "hf-clip",
]


class Licences(StrictModel):
    """Of the code that made the weights, and of the weights; null where none was found."""

    code: str | None
    weights: str | None


class Location(StrictModel):
    """Where the weights of others lie. `how` says in words what a person has to do.

    hub: repository of the Hugging Face hub; file: in it, null for a whole open_clip folder.
    url: a file elsewhere. sha256, megabytes: of the weights' file, null where not known to us.
    """

    hub: str | None = None
    file: str | None = None
    url: str | None = None
    how: str
    sha256: str | None = None
    megabytes: int | None = None


class Tuning(StrictModel):
    """How a model was made robust, as its makers say; null where they do not.

    data: in words. dataset: the catalogued name of what it was tuned on, where there is one.
    """

    method: str
    data: str | None
    dataset: str | None = None
    eps: str | None
    steps: int | None = None
    norm: str = "linf"


class Published(StrictModel):
    """One figure as printed, in percent. Never measured here: `protocol` says under what it was.

    dataset: a catalogued name, or what was averaged. eps: of the attack, null for clean accuracy.
    prompts: which of the set's were used, null where that is not known.
    """

    dataset: str
    metric: Literal["clean", "robust"]
    value: float = Field(ge=0, le=100)
    eps: str | None = None
    prompts: Literal["single", "as-released", "ensemble"] | None = None
    protocol: str
    source: str


class ModelEntry(StrictModel):
    """A catalogued model: what it is, where its weights are, and what others printed of it.

    weights: folder of a bundled model. architecture, pretrained: open_clip's names of the model it
    was tuned from. activation: which the weights were trained with. text_tower: `base`, or `own`
    where the file brings one that differs. clean_weight: share of the base to mix in (0: none).
    release: whose it is, for the normalisation that they trained with.
    """

    version: int
    source: str
    description: str
    format: Format
    licence: Licences
    weights: str | None = None
    get: Location | None = None
    architecture: str | None = None
    pretrained: str | None = None
    activation: Literal["quickgelu", "gelu"] | None = None
    text_tower: Literal["base", "own"] = "base"
    clean_weight: float = Field(0.0, ge=0, le=1)
    release: Release | None = None
    tuning: Tuning | None = None
    published: list[Published] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)

    @property
    def bundled(self) -> bool:
        """Whether the weights ship with the package."""
        return self.weights is not None

    @property
    def whole(self) -> bool:
        """Whether the file holds both towers, so that of the base only the architecture counts."""
        return self.format in ("open_clip-folder", "open_clip-state-dict", "hf-clip")

    @property
    def fetched(self) -> bool:
        """Whether using the name fetches the weights; else a person has to put them there."""
        return self.get is not None and (self.get.hub is not None or self.get.url is not None)

    @property
    def folder(self) -> Path:
        """The bundled folder of weights."""
        return ROOM / "weights" / str(self.weights)

    @property
    def card(self) -> Card | None:
        """The card beside bundled weights."""
        return read_card(self.folder) if self.bundled else None

    @property
    def base(self) -> str | None:
        """The model it was tuned from, as `load_model` takes it; None for the bundled ones."""
        if self.architecture is None or self.pretrained is None:
            return None
        return f"{self.architecture}/{self.pretrained}"


def model_names() -> list[str]:
    """The catalogued names, sorted."""
    return entry_names(ENTRIES)


def bundled_names() -> list[str]:
    """The names of the models whose weights ship with the package, sorted."""
    return [name for name in model_names() if model_entry(name).bundled]


def model_entry(name: str) -> ModelEntry:
    """The entry of a catalogued model; raises UnknownNameError with the nearest known name."""
    path = find_entry(name, ENTRIES, "model", "zsrobust models")
    return parse(ModelEntry, read_yaml(path), path.name)
