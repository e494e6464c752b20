"""What the catalogue holds of a dataset: one YAML in `data/entries/`."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from zsrobust.data.archive import Archive
from zsrobust.data.readers.catalogue import READERS
from zsrobust.registry import did_you_mean
from zsrobust.settings import StrictModel

TEMPLATES = Path(__file__).parent / "templates"
NamedResolution = Literal["tower", "as-released", "native", "224x224"]


class Split(StrictModel):
    """A split: its official number of images, and what it is where its name does not say so.

    part: of the layout's own split, `held-out` takes the 10 ids a class of the smallest sha256,
    `rest` all others.
    """

    count: int = Field(ge=1)
    note: str = ""
    part: Literal["whole", "held-out", "rest"] = "whole"


class Layout(StrictModel):
    """One form in which the set is found on a disk.

    kind: the reader's name (`data/readers/catalogue.py`). folder: its place under the data root.
    splits: our name of a split -> the layout's own. how: what to get, from where, and where to put
    it. hub: its id on the Hugging Face hub. archives: what its owner lets one download.
    """

    kind: str
    folder: str
    splits: dict[str, str] = Field(min_length=1)
    how: str = Field(min_length=1)
    hub: str | None = None
    archives: list[Archive] = Field(default_factory=list)

    @field_validator("kind")
    @classmethod
    def _has_a_reader(cls, kind: str) -> str:
        if kind not in READERS:
            raise ValueError(f"unknown layout '{kind}'.{did_you_mean(kind, READERS)}")
        return kind

    @field_validator("folder")
    @classmethod
    def _inside(cls, folder: str) -> str:
        if folder.startswith("/") or ".." in PurePosixPath(folder).parts:
            raise ValueError(f"{folder!r}: must lie within the data root")
        return folder

    @property
    def folders(self) -> tuple[str, ...]:
        """Where it may lie under the data root: in `folder`, or under the hub's own name."""
        return (self.folder,) if self.hub is None else (self.folder, self.hub.rpartition("/")[2])


class Prompts(StrictModel):
    """Templates, each with one `{}` where the class name goes.

    single: the usual one. as_released: those of the TeCoA and TGA-ZSR releases. ensemble: those of
    CLIP_benchmark, whose text embeddings are averaged; a list, or the name of one in
    `data/templates/`. unofficial: `single` is of our making, as no release has any.
    """

    single: list[str] = Field(min_length=1, max_length=1)
    as_released: list[str] = Field(default_factory=list, alias="as-released")
    ensemble: list[str] = Field(default_factory=list)
    unofficial: bool = False

    @field_validator("ensemble", mode="before")
    @classmethod
    def _listed(cls, templates: Any) -> Any:
        if not isinstance(templates, str):
            return templates
        path = TEMPLATES / f"{templates}.txt"
        if not path.is_file():
            raise ValueError(f"'{templates}': there is no such list in {TEMPLATES}")
        return path.read_text(encoding="utf-8").splitlines()

    @field_validator("single", "as_released", "ensemble")
    @classmethod
    def _one_place(cls, templates: list[str]) -> list[str]:
        for template in templates:
            if template.count("{}") != 1:
                raise ValueError(f"{template!r} needs one {{}}, where the class name goes")
        return templates

    def of_kinds(self) -> dict[str, tuple[str, ...]]:
        """Kind of prompts (`single`, `as-released`, `ensemble`) -> templates, where there are."""
        found = {
            "single": self.single,
            "as-released": self.as_released,
            "ensemble": self.ensemble,
        }
        return {kind: tuple(templates) for kind, templates in found.items() if templates}


class DatasetEntry(StrictModel):
    """A catalogued dataset.

    kind: scenes are drawn by this package; images are read from one of `layouts`, the first whose
    folder exists under the data root; so are pairs, images with captions in the place of classes
    and prompts. class_names: a list of `data/class_names/`, one name a line
    in the order of labels; or several, the first being the default. Where None, the folder names
    the classes. wordnet_ids, folder_names: lists of the classes' WordNet ids, and of what official
    folders call them (default: the WordNet ids). as_released_names: the classes' names in the
    releases' prompts. resolutions: study -> what that study attacks this set at. least_side: in
    pixels; where the images at hand are smaller (median of the shorter sides), they are a
    miniature. notes: known faults of the labels, shown wherever the set's number is;
    miniature_notes: what is to be known of a miniature besides.
    """

    version: int = Field(ge=1)
    description: str = Field(min_length=1)
    source: str = Field(min_length=1)
    citation: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    kind: Literal["scenes", "images", "pairs"]
    splits: dict[str, Split] = Field(min_length=1)
    layouts: list[Layout] = Field(default_factory=list)
    class_names: str | dict[str, str] | None = None
    wordnet_ids: str | None = None
    folder_names: str | None = None
    as_released_names: str | None = None
    prompts: Prompts | None = None
    resolutions: dict[Literal["tecoa", "tga", "robustvlm"], int | NamedResolution] = Field(
        default_factory=dict
    )
    least_side: int | None = Field(default=None, ge=1)
    notes: list[str] = Field(default_factory=list)
    miniature_notes: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _is_complete(self) -> DatasetEntry:
        if self.kind == "scenes":
            return self
        if not self.layouts:
            raise ValueError(f"kind {self.kind} needs `layouts`, where the set is found on a disk")
        if self.kind == "images" and self.prompts is None:
            raise ValueError("kind images needs `prompts`, with `single` at least")
        if self.kind == "pairs" and (self.prompts or self.class_names):
            raise ValueError("kind pairs has captions: no `prompts` and no `class_names`")
        if self.kind == "pairs" and any(each.part != "whole" for each in self.splits.values()):
            raise ValueError("kind pairs has no labels, by which a `part` of a split is chosen")
        for layout in self.layouts:
            if unknown := set(layout.splits) - set(self.splits):
                raise ValueError(
                    f"layout {layout.kind}: split '{min(unknown)}' is none of the set's "
                    f"({', '.join(self.splits)})"
                )
        return self
