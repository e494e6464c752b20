"""`zsrobust recipes from-release`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zsrobust.cli.options import JsonOption


def from_release(
    line: Annotated[str, typer.Argument(help="A command line of a release, in quotes.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the YAML files into this folder.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the recipe, the protocol and the commands that a release's flags mean.

    zsrobust recipes from-release 'TGA-ZSR.py --Alpha 0.08 --Distance_metric l2'
    """
    from zsrobust.cli.printing import print_json
    from zsrobust.cli.release_page import print_release, release_as_json
    from zsrobust.workflows.from_release import from_release as translate

    translated = translate(line, "" if out is None else str(out))
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for name, text in translated.files.items():
            (out / name).write_text(text, encoding="utf-8")
    if as_json:
        print_json(release_as_json(translated))
    else:
        print_release(translated)
