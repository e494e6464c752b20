"""`zsrobust protocols`."""

from __future__ import annotations

from typing import Annotated

import typer

from zsrobust.cli.options import JsonOption


def protocols(
    name: Annotated[str | None, typer.Argument(help="Show this one whole.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List the protocols, or show one: norm, radii, steps, loss, iterate, resolution, prompts."""
    from zsrobust.cli.printing import print_json, print_table
    from zsrobust.evaluation.protocol import PROTOCOLS, load_protocol, protocol_names
    from zsrobust.settings import find_entry, leading_comment

    if name is not None:
        protocol = load_protocol(name)
        if as_json:
            print_json({"name": name, "hash": protocol.hash, **protocol.content})
        else:
            path = find_entry(name, PROTOCOLS, "protocol", "zsrobust protocols")
            print(path.read_text(encoding="utf-8").rstrip())
        return
    names = protocol_names()
    if as_json:
        print_json({known: load_protocol(known).content for known in names})
        return
    rows = [
        {
            "protocol": known,
            "what it does": leading_comment(PROTOCOLS / f"{known}.yaml").splitlines()[-1],
        }
        for known in names
    ]
    print_table(rows, "Protocols")
