"""What the catalogue holds of a dataset: one YAML in `data/entries/`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from zsrobust.settings import StrictModel


class DatasetEntry(StrictModel):
    """A catalogued dataset.

    kind: which reader. folder: its place under the data root, for the hub's WebDataset layout.
    counts: official number of images of each split. templates: prompts where the folder brings
    none. notes: known faults of the labels, shown wherever the set's number is.
    """

    version: int = Field(ge=1)
    description: str
    source: str
    kind: Literal["scenes", "webdataset", "tinyimagenet"]
    folder: str | None = None
    counts: dict[str, int]
    templates: list[str] = Field(default_factory=list)
    licence: str
    notes: list[str] = Field(default_factory=list)
