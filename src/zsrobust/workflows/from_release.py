"""What a command line of a published release means here: recipe, protocol and commands."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from zsrobust.evaluation.protocol import (
    PROTOCOLS,
    Protocol,
    ProtocolSettings,
    load_protocol,
    protocol_names,
)
from zsrobust.settings import parse, read_yaml
from zsrobust.training.recipe import Recipe, load_recipe, recipe_names
from zsrobust.workflows.commented_yaml import commented_yaml, leaves
from zsrobust.workflows.release_commands import START, commands, start_file
from zsrobust.workflows.release_flags import Asked, read_command
from zsrobust.workflows.release_meaning import Meaning, meaning_of

RECIPE, PROTOCOL = "recipe.yaml", "protocol.yaml"
_OF_PGD = ("steps", "step_size", "losses", "restarts", "iterate")


@dataclass(frozen=True)
class FromRelease:
    """A release's command line, in the words of this package.

    files: what the commands read beside what ships, by file name: `recipe.yaml`, where needed
    `protocol.yaml` and `start.yaml` (a checkpoint to start from). recipe_name, protocol_name: of
    one that ships and has the same hash, else None. defaulted: flags filled in.
    dead, elsewhere: given flags without effect, or whose work something else does here.
    """

    script: str
    source: str
    recipe: Recipe
    protocol: Protocol
    recipe_name: str | None
    protocol_name: str | None
    files: Mapping[str, str]
    commands: tuple[str, ...]
    given: tuple[str, ...]
    defaulted: tuple[str, ...]
    dead: Mapping[str, str]
    elsewhere: Mapping[str, str]
    notes: tuple[str, ...]


def from_release(line: str, folder: str = "") -> FromRelease:
    """The recipe, the protocol and the commands that a release's command line means.

    line: `TGA-ZSR.py --Alpha 0.08 ...`, of any script in `releases/`. folder: where `files` will
    lie, for the commands. Eps and step sizes are converted from 255ths. Raises SettingsError or
    UnknownNameError for what the release does not know or this package does not do, with the
    nearest that it does.
    """
    asked = read_command(line)
    meaning = meaning_of(asked)
    recipe = _recipe(asked, meaning)
    protocol = _protocol(asked, meaning)
    recipe_name = _recipes_that_ship().get(recipe.hash)
    protocol_name = _protocols_that_ship().get(protocol.hash)
    script, command = asked.script, meaning.places["command"]
    start = start_file(script, command, folder)
    return FromRelease(
        script=f"{asked.name}.py",
        source=script.source,
        recipe=recipe,
        protocol=protocol,
        recipe_name=recipe_name,
        protocol_name=protocol_name,
        files=_files(asked, meaning, protocol, protocol_name, start),
        commands=commands(
            script,
            command,
            recipe_name or os.path.join(folder, RECIPE),
            protocol_name or os.path.join(folder, PROTOCOL),
            os.path.join(folder, START),
        ),
        given=tuple(name for name in script.flags if name in asked.given),
        defaulted=tuple(name for name in script.flags if name in meaning.defaulted),
        dead=meaning.dead,
        elsewhere=meaning.elsewhere,
        notes=(*meaning.said, *_cost(asked)),
    )


def _recipe(asked: Asked, meaning: Meaning) -> Recipe:
    content = {"source": f"{asked.script.source}; here in fp32", **meaning.places["recipe"]}
    return parse(Recipe, content, f"{asked.name}.py")


def _protocol(asked: Asked, meaning: Meaning) -> Protocol:
    """The protocol that `start` names, changed; what its attack fixes by itself is left out."""
    changed = dict(meaning.places["protocol"])
    started = load_protocol(changed.pop("start"))
    content = read_yaml(PROTOCOLS / f"{started.name}.yaml") | changed
    if content["attack"] != "pgd":
        content = {key: value for key, value in content.items() if key not in _OF_PGD}
    content["source"] = f"{asked.script.source}; here in fp32 with a summed loss"
    return Protocol("protocol", parse(ProtocolSettings, content, f"{asked.name}.py"))


@cache
def _recipes_that_ship() -> Mapping[str, str]:
    """Their names by hash; of two alike, the first."""
    return {load_recipe(name).hash: name for name in reversed(recipe_names())}


@cache
def _protocols_that_ship() -> Mapping[str, str]:
    return {load_protocol(name).hash: name for name in reversed(protocol_names())}


def _files(
    asked: Asked, meaning: Meaning, protocol: Protocol, protocol_name: str | None, start: str | None
) -> dict[str, str]:
    head = (f"zsrobust recipes from-release {shlex.quote(asked.line)}",)
    written = {"source": f"{asked.script.source}; here in fp32", **meaning.places["recipe"]}
    ordered = {key: written[key] for key in Recipe.model_fields if key in written}
    comments = {place: meaning.source_of(f"recipe.{place}") for place in leaves(ordered)}
    files = {RECIPE: commented_yaml(ordered, comments | {"source": None}, head)}
    if protocol_name is None:
        given = protocol.settings.model_dump(exclude_unset=True)
        comments = {place: meaning.source_of(f"protocol.{place}") for place in leaves(given)}
        files[PROTOCOL] = commented_yaml(given, comments | {"source": None}, head)
    if start is not None:
        files[START] = start
    return files


def _cost(asked: Asked) -> tuple[str, ...]:
    executes = asked.script.executes
    if executes is None:
        return ()
    return (f"The release executes {executes}; what it costs here: zsrobust recipes show.",)
