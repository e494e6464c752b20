"""YAML for people: short values in one line, and beside each where it comes from."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import yaml

WIDTH = 78
"""Two less than a terminal's 80: a page indents it."""


def commented_yaml(
    content: Mapping[str, Any], comments: Mapping[str, str | None], head: tuple[str, ...] = ()
) -> str:
    """`content` as YAML of at most `WIDTH` columns, a comment at the leaf of its dotted place.

    head: comment lines at the top. A text that is too long for its line is folded at its spaces.
    """
    wrapped = [part for line in head for part in _wrapped(line, WIDTH - 2)]
    return (
        "\n".join([*(f"# {line}" for line in wrapped), *_lines(content, comments, "", "")]) + "\n"
    )


def leaves(content: Mapping[str, Any], place: str = "") -> list[str]:
    """The dotted places of all values that are no mappings."""
    found = []
    for key, value in content.items():
        nested = isinstance(value, Mapping) and value
        found += leaves(value, f"{place}{key}.") if nested else [f"{place}{key}"]
    return found


def _lines(
    content: Mapping[str, Any], comments: Mapping[str, str | None], place: str, indent: str
) -> list[str]:
    lines = []
    for key, value in content.items():
        here = f"{place}{key}"
        if isinstance(value, Mapping) and value:
            lines += [f"{indent}{key}:"]
            lines += _lines(value, comments, f"{here}.", indent + "  ")
            continue
        leaf = _leaf(key, value, indent)
        comment = comments.get(here)
        if comment is None:
            lines += leaf
        elif len(leaf) == 1 and len(leaf[0]) + len(comment) + 4 <= WIDTH:
            lines.append(f"{leaf[0]}  # {comment}")
        else:
            above = _wrapped(comment, WIDTH - len(indent) - 2)
            lines += [f"{indent}# {line}" for line in above] + leaf
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    """Lines that leave numbers such as 1e-4 whole."""
    return textwrap.wrap(text, width, break_on_hyphens=False)


def _leaf(key: str, value: Any, indent: str) -> list[str]:
    """One line, or several where the value is long; a list stands in one bracket."""
    room = WIDTH - len(indent)
    if isinstance(value, str) and len(f"{key}: {value}") > room:
        folded = textwrap.wrap(value, room - 2, break_on_hyphens=False, break_long_words=False)
        return [f"{indent}{key}: >-", *(f"{indent}  {line}" for line in folded)]
    if not isinstance(value, (list, Mapping)):
        dumped = yaml.safe_dump({key: value}, allow_unicode=True, width=room)
    else:
        flow = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=room)
        dumped = f"{key}: {flow}"
    return [indent + line for line in dumped.rstrip().splitlines()]
