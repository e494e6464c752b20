"""The `zsrobust` command: its sub-commands, and how errors look."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Annotated

import typer

from zsrobust.cli.attack import attack
from zsrobust.cli.attacks import attacks
from zsrobust.cli.convert import convert
from zsrobust.cli.datasets import datasets
from zsrobust.cli.env import env
from zsrobust.cli.evaluate import evaluate
from zsrobust.cli.interpolate import interpolate
from zsrobust.cli.models import models
from zsrobust.cli.protocols import protocols
from zsrobust.cli.quickstart import quickstart
from zsrobust.cli.recipes import recipes
from zsrobust.cli.report import report
from zsrobust.cli.search import search
from zsrobust.cli.selfcheck import selfcheck
from zsrobust.cli.suites import suites
from zsrobust.cli.train import train
from zsrobust.cli.verify import verify
from zsrobust.errors import ZsrobustError

TRACEBACK = "ZSROBUST_TRACEBACK"
INTERRUPTED = 130

app = typer.Typer(
    name="zsrobust",
    help="Zero-shot adversarial robustness of vision-language models: attack, defend, measure.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    quickstart,
    attack,
    evaluate,
    train,
    search,
    interpolate,
    report,
    verify,
    selfcheck,
    convert,
    suites,
    attacks,
    protocols,
    env,
):
    app.command()(command)
app.add_typer(models, name="models")
app.add_typer(datasets, name="datasets")
app.add_typer(recipes, name="recipes")


def _print_version(wanted: bool) -> None:
    if wanted:
        from zsrobust import __version__

        print(__version__)
        raise typer.Exit


@app.callback()
def options(
    show_traceback: Annotated[
        bool, typer.Option("--traceback", help="Show where in the code an error arose.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Zero-shot adversarial robustness of vision-language models: attack, defend, measure."""
    if show_traceback:
        os.environ[TRACEBACK] = "1"


def run(arguments: list[str] | None = None) -> None:
    """Runs the command line and exits: 0, 1 for a fault while running, 2 for one to mend, 130."""
    sys.exit(main(arguments))


def main(arguments: list[str] | None = None) -> int:
    """The exit code of a command line; errors are one message on stderr, without a traceback."""
    os.environ.pop(TRACEBACK, None)
    try:
        app(args=arguments, prog_name="zsrobust")
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 0
        if code == INTERRUPTED:
            print(
                "zsrobust: interrupted. The same command continues where it stopped.",
                file=sys.stderr,
            )
        return code
    except ZsrobustError as error:
        return _fault(str(error), error.exit_code)
    except Exception as error:
        return _fault(
            f"{type(error).__name__}: {error}\nThis should not happen. `zsrobust --traceback ...` "
            "shows where; `zsrobust env` prints what a report of it needs.",
            1,
        )
    return 0


def _fault(message: str, code: int) -> int:
    if os.environ.get(TRACEBACK):
        traceback.print_exc()
    print(f"zsrobust: {message}", file=sys.stderr)
    return code
