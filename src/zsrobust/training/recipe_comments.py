"""The comments of a recipe's file, by the key that they stand at: where each setting is from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from zsrobust.settings import find_entry
from zsrobust.training.recipe import RECIPES


def recipe_comments(name: str | Path) -> dict[str, str]:
    """Comments of a recipe by dotted place: those above a key, and the one behind its value.

    `optimizer` has what stands at the whole block, `objective.kind` at one line of it. The head of
    the file, before its first key, is no comment of a setting.
    """
    path = find_entry(name, RECIPES, "recipe", "zsrobust recipes")
    text = path.read_text(encoding="utf-8")
    lines, root = text.splitlines(), yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        return {}
    found = {}
    for number, (place, key, value) in enumerate(_leaves(root, "")):
        above = "" if number == 0 else _above(lines, key.start_mark.line)
        said = " ".join(part for part in (above, _behind(lines, value)) if part)
        if said:
            found[place] = said
    return found


def _leaves(node: yaml.MappingNode, place: str) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
    for key, value in node.value:
        here = f"{place}{key.value}"
        if isinstance(value, yaml.MappingNode) and not value.flow_style:
            yield from _leaves(value, f"{here}.")
        else:
            yield here, key, value


def _above(lines: list[str], line: int) -> str:
    """The comment lines right above a line, as one sentence."""
    said: list[str] = []
    while line > 0 and lines[line - 1].lstrip().startswith("#"):
        line -= 1
        said.insert(0, lines[line].lstrip("# ").rstrip())
    return " ".join(said)


def _behind(lines: list[str], value: yaml.Node) -> str:
    """The comment after a value, on the line on which it ends."""
    end = value.end_mark
    rest = lines[end.line][end.column :].strip() if end.line < len(lines) else ""
    return rest.lstrip("# ") if rest.startswith("#") else ""
