"""Reads the command line of a released script as its own argparse would."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, NoReturn

from zsrobust.errors import SettingsError
from zsrobust.registry import did_you_mean
from zsrobust.workflows.release_script import Flag, ReleaseScript, load_script, script_names

_IN_255THS = ("eps", "stepsize")


@dataclass(frozen=True)
class Asked:
    """A command line of a release: its script, the value of every flag, which ones were given."""

    line: str
    name: str
    script: ReleaseScript
    values: Mapping[str, Any]
    given: frozenset[str]


def read_command(line: str) -> Asked:
    """The flags of a line such as `python -u TGA-ZSR.py --Alpha 0.08`, defaults filled in.

    Words before the script (python, variables) are passed over; flags may be cut short as argparse
    allows. Raises SettingsError or UnknownNameError with the nearest known name.
    """
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise SettingsError(f"{line!r} is no command line: {error}.") from None
    place = next((i for i, word in enumerate(words) if _script(word) in script_names()), None)
    if place is None:
        _refuse_unnamed(line, words)
    name, rest = _script(words[place]), words[place + 1 :]
    script = load_script(name)
    parser = _parser(name, script)
    known, unknown = parser.parse_known_args(rest)
    if unknown:
        _refuse_unknown(name, unknown, list(script.flags))
    given = vars(known)
    values = {flag: given.get(flag, each.filled) for flag, each in script.flags.items()}
    return Asked(line, name, script, values, frozenset(given))


def _script(word: str) -> str:
    """`./TGA-ZSR.py` and `train.adversarial_training_clip` without folder and ending."""
    return PurePosixPath(word).name.removesuffix(".py").rpartition(".")[2]


def _refuse_unnamed(line: str, words: Sequence[str]) -> NoReturn:
    known = [f"{name}.py" for name in script_names()]
    named = next((word for word in words if word.endswith(".py")), words[0] if words else "")
    raise SettingsError(
        f"{line!r} names no script of a release that is known here.{did_you_mean(named, known)} "
        f"Known: {', '.join(known)}."
    )


def _refuse_unknown(name: str, unknown: Sequence[str], known: Sequence[str]) -> NoReturn:
    lines = []
    for word in unknown:
        if word.startswith("--"):
            flag = word[2:].partition("=")[0]
            near = did_you_mean(flag, known).replace("'", "--", 1).replace("'", "")
            lines.append(f"{name}.py has no flag --{flag}.{near}")
        elif not lines:
            lines.append(f"{name}.py: '{word}' belongs to no flag.")
    raise SettingsError("\n".join(lines))


class _Parser(argparse.ArgumentParser):
    """argparse that raises instead of leaving the program."""

    def error(self, message: str) -> NoReturn:
        """Raises SettingsError: the release refuses this line too."""
        meant = ""
        if any(word in message for word in _IN_255THS):
            meant = " It counts 255ths: 4 is 4/255."
        raise SettingsError(f"{self.prog}: {message}. The release refuses it too.{meant}")


def _parser(name: str, script: ReleaseScript) -> _Parser:
    parser = _Parser(prog=f"{name}.py", add_help=False, argument_default=argparse.SUPPRESS)
    for flag, each in script.flags.items():
        if each.type == "switch":
            parser.add_argument(f"--{flag}", dest=flag, action="store_true")
        else:
            parser.add_argument(
                f"--{flag}",
                dest=flag,
                type=_READ[each.type],
                choices=each.choices,
                nargs="+" if each.many else None,
            )
    return parser


def _true_or_false(text: str) -> bool:
    if text not in ("True", "False"):
        raise argparse.ArgumentTypeError("write True or False")
    return text == "True"


def _truth(text: str) -> bool:
    """0 or 1; the words, which FT.py's main.sh passes, its own argparse refuses."""
    if text not in ("0", "1", "True", "False"):
        raise argparse.ArgumentTypeError("write 0 or 1")
    return text in ("1", "True")


_READ: Mapping[str, Callable[[str], Any]] = {
    "str": str,
    "int": int,
    "float": float,
    "true-false": _true_or_false,
    "int-truth": _truth,
}


def shown(flag: Flag, value: Any) -> str:
    """A value as it is written on a command line; nothing for a switch."""
    if flag.type == "switch":
        return ""
    if isinstance(value, bool):
        return str(int(value)) if flag.type == "int-truth" else str(value)
    if isinstance(value, list):
        return shlex.join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
