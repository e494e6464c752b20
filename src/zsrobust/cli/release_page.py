"""How the translation of a release's command line is printed."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zsrobust.workflows.from_release import FromRelease

_WIDTH = 78


def release_as_json(translated: FromRelease) -> dict[str, Any]:
    """All of a translation, for a machine to read."""
    return {
        "script": translated.script,
        "source": translated.source,
        "recipe": translated.recipe.model_dump(mode="json"),
        "recipe_name": translated.recipe_name,
        "protocol": translated.protocol.content,
        "protocol_name": translated.protocol_name,
        "files": dict(translated.files),
        "commands": list(translated.commands),
        "given": list(translated.given),
        "defaulted": list(translated.defaulted),
        "no_effect": dict(translated.dead),
        "done_otherwise": dict(translated.elsewhere),
        "notes": list(translated.notes),
    }


def print_release(translated: FromRelease) -> None:
    """Recipe, protocol, commands, and what to know: at most 80 columns."""
    _lines([f"{translated.script} · {translated.source}"], "", "")
    given, filled = len(translated.given), len(translated.defaulted)
    _lines([f"{given} flags given, {filled} defaults of the release filled in."], "")
    recipe, protocol = translated.recipe_name, translated.protocol_name
    for name, text in translated.files.items():
        same = f", the same as the recipe {recipe}" if name == "recipe.yaml" and recipe else ""
        print(f"\n{name}{same}\n")
        print(textwrap.indent(text.rstrip(), "  "))
    if protocol:
        _section("Protocol", [f"{protocol} (zsrobust protocols {protocol})"])
    print("\nCommands\n")
    for command in translated.commands:
        print(_broken(command))
    _section("Without effect", _pairs(translated.dead))
    _section("Done otherwise", _pairs(translated.elsewhere, ": here "))
    _section("To know", translated.notes)


def _section(title: str, lines: Sequence[str]) -> None:
    if lines:
        print(f"\n{title}\n")
        _lines(lines, "- " if len(lines) > 1 else "")


def _lines(lines: Sequence[str], mark: str, indent: str = "  ") -> None:
    for line in lines:
        begin = f"{indent}{mark}"
        print(
            textwrap.fill(
                line,
                _WIDTH,
                initial_indent=begin,
                subsequent_indent=" " * len(begin),
                break_on_hyphens=False,
                break_long_words=False,
            )
        )


def _pairs(pairs: Mapping[str, str], joint: str = ": ") -> list[str]:
    return [f"{flag}{joint}{why}" for flag, why in pairs.items()]


def _broken(command: str) -> str:
    """A command over lines of at most 78 columns, each but the last ending in a backslash."""
    parts: list[str] = []
    for word in map(shlex.quote, shlex.split(command)):
        if word.startswith("--") or not parts:
            parts.append(word)
        else:
            parts[-1] += f" {word}"
    lines = [f"  {parts[0]}"]
    for part in parts[1:]:
        if len(lines[-1]) + len(part) + 3 > _WIDTH:
            lines[-1] += " \\"
            lines.append(f"    {part}")
        else:
            lines[-1] += f" {part}"
    return "\n".join(lines)
