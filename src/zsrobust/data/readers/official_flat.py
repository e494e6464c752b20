"""Images in one flat folder, labelled by a list beside it; their file names are their ids."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from zsrobust.data.readers.images import Images, ReadRequest
from zsrobust.data.readers.official_files import file_reader
from zsrobust.errors import DataError


def flat_images(place: Path, class_of: Mapping[str, str], request: ReadRequest) -> Images:
    """The `.JPEG` images right in `place`, labelled by a list of file name -> official class name.

    A listed image may be absent: the copy is then a part of the set. Raises DataError for an image
    that is not listed, or of a class that the catalogue does not have.
    """
    known = {name: label for label, name in enumerate(request.folder_names or ())}
    ids = tuple(sorted(path.name for path in place.glob("*.JPEG")))
    if not ids:
        raise DataError(f"{place}: no .JPEG images. Unpack the archive again.")
    labels = []
    for name in ids:
        if name not in class_of:
            raise DataError(f"{place / name}: is not among the {len(class_of)} labelled images.")
        if class_of[name] not in known:
            raise DataError(
                f"{place / name}: its class '{class_of[name]}' is none of {request.name}'s."
            )
        labels.append(known[class_of[name]])
    return Images(ids=ids, labels=tuple(labels), read=file_reader(place, ids))
