"""Hateful Memes' own folder: `img/` beside lists of JSON lines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from zsrobust.data.readers.images import Images, ReadRequest
from zsrobust.data.readers.official_files import check_present, file_reader, read_lines
from zsrobust.data.readers.official_order import in_catalogue_order
from zsrobust.errors import DataError

_CLASSES = ("0", "1")
"""The lists name no classes: 0 is not hateful, 1 hateful."""


def read_hateful_memes(folder: Path, own_split: str, request: ReadRequest) -> Images:
    """The images of one list, or of several joined by `+` (`test_seen+test_unseen`).

    Ids are the paths that `SPLIT.jsonl` gives (`img/01235.png`). Raises DataError for a line
    without image or label, as in the lists of the challenge's first phase, and for absent images.
    """
    ids: dict[str, int] = {}
    lists = [folder / f"{part}.jsonl" for part in own_split.split("+")]
    for file in lists:
        for number, line in enumerate(read_lines(file, "It lists images and labels."), 1):
            image, label = _sample(line, f"{file}, line {number}")
            if image in ids:
                raise DataError(f"{file}, line {number}: '{image}' is listed twice.")
            ids[image] = label
    files = tuple(ids)
    check_present(folder, files, " and ".join(file.name for file in lists))
    return Images(
        ids=files,
        labels=in_catalogue_order(_CLASSES, list(ids.values()), request, folder),
        read=file_reader(folder, files),
    )


def _sample(line: str, where: str) -> tuple[str, int]:
    try:
        fields: Any = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not JSON ({error}).") from None
    image = fields.get("img") if isinstance(fields, dict) else None
    if not isinstance(image, str) or not image or ".." in image:
        raise DataError(f"{where}: names no image ('img').")
    label = fields.get("label")
    if label not in (0, 1):
        raise DataError(
            f"{where}: has no label 0 or 1. Use the labelled lists: dev_seen, dev_unseen, "
            "test_seen, test_unseen."
        )
    return image, int(label)
