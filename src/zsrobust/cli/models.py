"""`zsrobust models`."""

from __future__ import annotations

from typing import Annotated

import typer

from zsrobust.cli.options import JsonOption


def models(
    name: Annotated[str | None, typer.Argument(help="Show this one's card.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the models known by name, or show one's card: what it has seen, what was measured."""
    from zsrobust.cli.printing import print_json, print_table
    from zsrobust.models.card import card_text
    from zsrobust.models.catalogue import model_entry, model_names

    if name is not None:
        entry = model_entry(name)
        if as_json:
            print_json(entry.card.model_dump() if entry.card else entry.model_dump())
        else:
            print(card_text(entry.card) if entry.card else entry.description)
        return
    entries = {known: model_entry(known) for known in model_names()}
    if as_json:
        print_json({known: entry.model_dump() for known, entry in entries.items()})
        return
    rows = [
        {"model": known, "licence": entry.licence, "what it is": entry.description}
        for known, entry in entries.items()
    ]
    print_table(rows, "Models (any open_clip name or folder works too)")
