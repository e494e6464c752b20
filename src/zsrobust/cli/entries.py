"""Listing and showing what a folder of YAML files holds: protocols, recipes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from zsrobust.settings import entry_names, find_entry, leading_comment


def print_entries(
    kind: str,
    folder: Path,
    name: str | None,
    as_json: bool,
    content: Callable[[str], Mapping[str, Any]],
) -> None:
    """All entries of a folder with what their heads say, or the file of one; or their content.

    kind: the word for one ("recipe"); its plural is the command. content: what `--json` prints.
    """
    from zsrobust.cli.printing import print_json, print_table

    if name is not None:
        path = find_entry(name, folder, kind, f"zsrobust {kind}s")
        if as_json:
            print_json(content(name))
        else:
            print(path.read_text(encoding="utf-8").rstrip())
        return
    names = entry_names(folder)
    if as_json:
        print_json({known: content(known) for known in names})
        return
    rows = [
        {kind: known, "what it does": leading_comment(folder / f"{known}.yaml").splitlines()[-1]}
        for known in names
    ]
    print_table(rows, f"{kind.capitalize()}s")
