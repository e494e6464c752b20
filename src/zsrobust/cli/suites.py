"""`zsrobust suites`."""

from __future__ import annotations

from typing import Annotated

import typer

from zsrobust.cli.options import JsonOption


def suites(
    name: Annotated[
        str | None, typer.Argument(help="Show this one: its sets, splits, prompts.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the suites of datasets that studies average over, or show one.

    zsrobust evaluate --model photos-mini --dataset tga16 --data-root DIR --out runs/mine
    """
    from dataclasses import asdict
    from textwrap import fill

    from zsrobust.cli.printing import print_json, print_table
    from zsrobust.data.suites import load_suite, suite_names

    if name is not None:
        suite = load_suite(name)
        if as_json:
            print_json(asdict(suite))
            return
        print(fill(f"{suite.name}: {suite.description}", 80))
        print(fill(f"Source: {suite.source}", 80) + "\n")
        rows = [
            {
                "set": member.dataset,
                "split": member.split,
                "prompts": member.prompts or "the set's own",
            }
            for member in suite.members
        ]
        print_table(rows, f"{len(rows)} sets")
        return
    known = [load_suite(each) for each in suite_names()]
    if as_json:
        print_json({suite.name: asdict(suite) for suite in known})
        return
    rows = [
        {"suite": suite.name, "sets": str(len(suite.members)), "what it is": suite.description}
        for suite in known
    ]
    print_table(rows, "Suites (their names work wherever --dataset is given)")
