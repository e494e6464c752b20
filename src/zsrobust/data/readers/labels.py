"""From labels as a user writes them, names or numbers, to class numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from zsrobust.data.readers.names import read_typed_names
from zsrobust.errors import DataError


def class_numbers(
    found: Collection[str], classes: Path | Sequence[str] | None, where: str
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Label as written -> class number, and the class names.

    classes: names, or a file of them; a label is then one of the names, or a number that counts
    them from 0. Without it the labels themselves are the names, sorted; numbers need it. where:
    what errors call the source. Raises DataError for a label that is neither.
    """
    if classes is None:
        return _own_names(found, where)
    names = tuple(read_typed_names(classes) if isinstance(classes, Path) else classes)
    numbers = {name: number for number, name in enumerate(names)}
    for label in found:
        if label not in numbers:
            numbers[label] = _counted(label, names, where)
    return numbers, names


def _own_names(found: Collection[str], where: str) -> tuple[dict[str, int], tuple[str, ...]]:
    numbers = sorted(label for label in found if _is_number(label))
    if len(numbers) == len(found):
        raise DataError(
            f"{where}: its labels are numbers ({', '.join(numbers[:3])} ...). "
            "Name the classes, in the order of the numbers from 0: --classes FILE."
        )
    if numbers:
        named = min(label for label in found if not _is_number(label))
        raise DataError(
            f"{where}: labels are mixed: '{named}' is a name, '{numbers[0]}' a number. "
            "Write names throughout, or list them: --classes FILE."
        )
    names = tuple(sorted(found))
    return {name: number for number, name in enumerate(names)}, names


def _counted(label: str, names: Sequence[str], where: str) -> int:
    if not _is_number(label):
        raise DataError(f"{where}: label '{label}' is none of the names given by --classes.")
    if not 0 <= int(label) < len(names):
        raise DataError(
            f"{where}: label {label}, but {len(names)} classes are named (0 to {len(names) - 1})."
        )
    return int(label)


def _is_number(label: str) -> bool:
    digits = label.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) < 19
