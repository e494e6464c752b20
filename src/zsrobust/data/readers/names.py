"""Class names and prompts from text files: one a line, line k (from 0) belonging to label k."""

from __future__ import annotations

from pathlib import Path

from zsrobust.errors import DataError

PLAIN_TEMPLATE = "a photo of a {}."


def read_class_names(path: Path) -> tuple[str, ...]:
    """The names a file lists, one a line, stripped.

    A blank line between names is refused: it would shift every label after it. Names may repeat,
    as two of ImageNet's do. Raises DataError naming the file and the line.
    """
    lines = _lines(path, "It names the classes, one a line.")
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise DataError(f"{path}: the list of classes is empty. Write one name a line.")
    if "" in lines:
        raise DataError(
            f"{path}, line {lines.index('') + 1}: blank, so the labels after it would shift. "
            "Name the class, or remove the line."
        )
    return tuple(lines)


def read_typed_names(path: Path) -> tuple[str, ...]:
    """The names of a user's own list, as `read_class_names`; a name typed twice is refused too."""
    names = read_class_names(path)
    for number, name in enumerate(names):
        first = names.index(name)
        if first < number:
            raise DataError(
                f"{path}: class names must differ; given twice: {name} "
                f"(lines {first + 1} and {number + 1})."
            )
    return names


def read_templates(path: Path) -> tuple[str, ...] | None:
    """The prompts a file lists, the hub's `{c}` turned into `{}`; None where there is no file.

    Raises DataError for an empty file, or a prompt without exactly one place for the name.
    """
    if not path.is_file():
        return None
    lines = _lines(path, "It lists the prompts, one a line.")
    templates = tuple(line.replace("{c}", "{}") for line in lines if line)
    if not templates:
        raise DataError(f"{path}: is empty. Write one prompt a line, or remove the file.")
    for template in templates:
        if template.count("{}") != 1:
            raise DataError(f"{path}: {template!r} needs one {{c}}, where the class name goes.")
    return templates


def _lines(path: Path, what: str) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file. {what}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as UTF-8 text ({error}).") from None
    return [line.strip() for line in text.splitlines()]
