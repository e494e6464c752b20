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
    from zsrobust.cli.entries import print_entries
    from zsrobust.evaluation.protocol import PROTOCOLS, load_protocol

    print_entries("protocol", PROTOCOLS, name, as_json, lambda known: load_protocol(known).content)
