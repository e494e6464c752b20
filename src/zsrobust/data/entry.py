"""What the catalogue holds of a dataset: one YAML in `data/entries/`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from zsrobust.settings import StrictModel


class DatasetEntry(StrictModel):
    """A catalogued dataset.

    kind: which reader. hub: its id on the Hugging Face hub. folder: its place under the data root,
    in the layout of the hub's clip-benchmark sets; a folder named as on the hub serves as well.
    counts: official number of images of each split. least_side: in pixels; where the images at hand
    are smaller (median of the shorter sides), they are a miniature. templates: prompts where the
    folder brings none. notes: known faults of the labels, shown wherever the set's number is;
    miniature_notes: what is to be known of a miniature besides.
    """

    version: int = Field(ge=1)
    description: str = Field(min_length=1)
    source: str = Field(min_length=1)
    citation: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    kind: Literal["scenes", "webdataset", "tinyimagenet"]
    hub: str | None = None
    folder: str | None = None
    counts: dict[str, int] = Field(min_length=1)
    least_side: int | None = Field(default=None, ge=1)
    templates: list[str] = Field(default_factory=list)
    notes: list[str] = Field(default_factory=list)
    miniature_notes: list[str] = Field(default_factory=list)

    @field_validator("counts")
    @classmethod
    def _positive(cls, counts: dict[str, int]) -> dict[str, int]:
        for split, count in counts.items():
            if count < 1:
                raise ValueError(f"{split} = {count}: the official count must be at least 1")
        return counts

    @field_validator("templates")
    @classmethod
    def _one_place(cls, templates: list[str]) -> list[str]:
        for template in templates:
            if template.count("{}") != 1:
                raise ValueError(f"{template!r} needs one {{}}, where the class name goes")
        return templates

    @model_validator(mode="after")
    def _has_a_place(self) -> DatasetEntry:
        if self.kind != "scenes" and not self.folder:
            raise ValueError(f"kind {self.kind} needs `folder`, its place under the data root")
        return self
