"""`zsrobust attacks`."""

from __future__ import annotations

from typing import Annotated

import typer

from zsrobust.cli.options import JsonOption


def attacks(
    name: Annotated[
        str | None, typer.Argument(help="Show this one: its members and their settings.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the attacks known by name, or show one; each member sees only who is left."""
    from zsrobust.attacks.catalogue import ATTACKS
    from zsrobust.attacks.explained import ABOUT, members_of
    from zsrobust.cli.printing import print_json, print_table

    names = list(ATTACKS) if name is None else [name]
    members = {known: members_of(known) for known in names}
    if as_json:
        content = {
            known: {"about": ABOUT[known], "members": dict(members[known])} for known in names
        }
        print_json(content if name is None else content[name])
    elif name is None:
        rows = [
            {
                "attack": known,
                "members": ", ".join(member for member, _ in members[known]),
                "what it does": ABOUT[known],
            }
            for known in names
        ]
        print_table(rows, "Attacks")
    else:
        print(f"{name}: {ABOUT[name]}")
        for member, settings in members[name]:
            print(f"  {member}: {', '.join(f'{key} {value}' for key, value in settings.items())}")
