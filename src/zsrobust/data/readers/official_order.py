"""From the class order of an official folder to the catalogue's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zsrobust.data.readers.images import ReadRequest
from zsrobust.errors import DataError

_SHOWN = 3


def in_catalogue_order(
    found: Sequence[str], labels: Sequence[int], request: ReadRequest, where: Path
) -> tuple[int, ...]:
    """The catalogue's labels for labels that number the classes `found` in a folder.

    found, where: as `catalogue_labels`. Raises DataError as it does, or for a label of no class.
    """
    order = catalogue_labels(found, request, where)
    for position, label in enumerate(labels):
        if not 0 <= label < len(order):
            raise DataError(
                f"{where}: image {position} has label {label} of {len(order)} classes "
                f"(0 to {len(order) - 1}). Unpack the archive again."
            )
    return tuple(order[label] for label in labels)


def catalogue_labels(found: Sequence[str], request: ReadRequest, where: Path) -> list[int]:
    """The catalogue's label of each class of a folder.

    found: the folder's own class names, in its own order. where: what an error names. With no
    official names in the catalogue the order is kept and the number of classes checked. Raises
    DataError where the folder's classes are not the catalogue's: all of them, and no others.
    """
    known = request.folder_names
    if known is None:
        if request.classes and len(found) != request.classes:
            raise DataError(
                f"{where}: has {len(found)} classes; {request.name} has {request.classes}."
            )
        return list(range(len(found)))
    number = {name: label for label, name in enumerate(known)}
    if number.keys() != set(found):
        raise DataError(f"{where}: {_difference(found, known)}")
    return [number[name] for name in found]


def _difference(found: Sequence[str], known: Sequence[str]) -> str:
    unknown, missing = sorted(set(found) - set(known)), sorted(set(known) - set(found))
    parts = []
    if unknown:
        parts.append(f"{len(unknown)} unknown ({_some(unknown)})")
    if missing:
        parts.append(f"{len(missing)} missing ({_some(missing)})")
    return (
        f"its class list differs from the catalogue's {len(known)}: {', '.join(parts)}. "
        "Restore the official folder, or give a folder of your own by its path."
    )


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
