"""Images of a run that could not be decoded: no prediction, no record, and in no number.

A JSON file a block beside the records, written before them: a finished block has its own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from zsrobust.errors import RunError
from zsrobust.records.atomic import write_text
from zsrobust.settings import StrictModel

_NAMED = 3


class Unreadable(StrictModel):
    """An image without a prediction. reason: file, member and position, and what is wrong."""

    id: str
    reason: str


def write_unreadable(folder: Path, block: int, images: Sequence[Unreadable]) -> None:
    """Writes a block's unreadable images into the records folder, whole or not at all."""
    path = folder / f"unreadable-{block:05d}.json"
    if images:
        content = [image.model_dump() for image in images]
        write_text(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    else:
        # An image may have been mended since this block was begun and killed.
        path.unlink(missing_ok=True)


def read_unreadable(folder: Path) -> list[Unreadable]:
    """All unreadable images of a run, block by block; raises RunError for a damaged file."""
    found: list[Unreadable] = []
    for path in sorted(folder.glob("unreadable-*.json")):
        try:
            content = path.read_text(encoding="utf-8")
            found += TypeAdapter(list[Unreadable]).validate_json(content)
        except (OSError, UnicodeDecodeError, ValidationError) as error:
            reason = str(error).splitlines()[0]
            raise RunError(f"{path}: cannot be read ({reason}). Run again elsewhere.") from None
    return found


def said_of(images: Sequence[Unreadable], of: int) -> str:
    """The sentence that stands beside every number of the run. of: images asked for."""
    names = ", ".join(image.id for image in images[:_NAMED])
    more = ", ..." if len(images) > _NAMED else ""
    return (
        f"{len(images)} of {of} images cannot be read and are left out of every number: "
        f"{names}{more}."
    )
