"""What the flags of a released script set here, each place with the flag that it is from."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from zsrobust.errors import SettingsError
from zsrobust.registry import did_you_mean
from zsrobust.threat_model import format_eps
from zsrobust.workflows.release_flags import Asked, shown
from zsrobust.workflows.release_script import Flag, Rule

FIXED = "code"


@dataclass
class Meaning:
    """What is set under `recipe`, `protocol` and `command`, and what is said beside it.

    origin: dotted place -> the flag that decides it. defaulted: flags that were filled in. dead:
    given flags that change nothing, with why. elsewhere: given flags whose work something else does
    here. said: what to know.
    """

    places: dict[str, dict[str, Any]]
    origin: dict[str, str] = field(default_factory=dict)
    defaulted: list[str] = field(default_factory=list)
    dead: dict[str, str] = field(default_factory=dict)
    elsewhere: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def put(self, place: str, value: Any, origin: str) -> None:
        """Sets a dotted place; None takes it out, a mapping replaces all that was under it."""
        *parents, last = place.split(".")
        below: MutableMapping[str, Any] = self.places
        for parent in parents:
            below = below.setdefault(parent, {})
        if value is None:
            below.pop(last, None)
        else:
            below[last] = value
        for known in [each for each in self.origin if each.startswith(f"{place}.")]:
            del self.origin[known]
        self.origin[place] = origin

    def source_of(self, place: str) -> str:
        """What decides a dotted place: a flag, or the code of the release."""
        while place:
            if place in self.origin:
                return self.origin[place]
            place = place.rpartition(".")[0]
        return FIXED


def meaning_of(asked: Asked) -> Meaning:
    """What a command line of a release means; raises SettingsError for what has no meaning here."""
    script = asked.script
    meaning = Meaning(
        {"recipe": _copied(script.recipe), "protocol": _copied(script.protocol), "command": {}}
    )
    for name, flag in script.flags.items():
        _apply(meaning, asked, name, flag)
    for rule in script.rules:
        if _holds(rule.when, asked.values):
            _apply_rule(meaning, asked, rule)
    meaning.said += script.notes
    return meaning


def _apply(meaning: Meaning, asked: Asked, name: str, flag: Flag) -> None:
    given = name in asked.given
    if _idle(meaning, asked, name, flag, given):
        return
    value = asked.values[name]
    if not given and value is not None:
        meaning.defaulted.append(name)
    if flag.words:
        value = value and [_called(asked, name, flag, word) for word in value]
    words = _words(asked, name)
    origin = words if given else f"{words}, default"
    if not isinstance(value, list) and value in flag.values:
        for place, meant in flag.values[value].items():
            meaning.put(place, meant, origin)
    elif flag.refused:
        raise SettingsError(f"{asked.name}.py: {words}: {flag.refused}")
    elif value is not None:
        meaning.said += [flag.said] if given and flag.said else []
        converted = _fraction(asked, words, value) if flag.unit else value
        for place in flag.sets:
            meaning.put(place, converted, origin)


def _idle(meaning: Meaning, asked: Asked, name: str, flag: Flag, given: bool) -> bool:
    """Whether a flag sets nothing; where it is given, that is noted with the reason."""
    words = _words(asked, name)
    if not _holds(flag.only, asked.values):
        needed = "; ".join(_wanted(asked, other, any_of) for other, any_of in flag.only.items())
        meaning.dead |= {words: f"read only with {needed}"} if given else {}
    elif flag.dead:
        meaning.dead |= {words: flag.dead} if given else {}
    elif flag.ours:
        meaning.elsewhere |= {words: flag.ours} if given else {}
    else:
        return False
    return True


def _words(asked: Asked, name: str) -> str:
    """A flag as it is written on a command line."""
    return f"--{name} {shown(asked.script.flags[name], asked.values[name])}".rstrip()


def _fraction(asked: Asked, words: str, value: float) -> str:
    """255ths as a radius is written here."""
    if not 0 <= value <= 255:
        raise SettingsError(f"{asked.name}.py: {words}: it counts 255ths. Give 0 to 255.")
    return format_eps(value / 255)


def _called(asked: Asked, name: str, flag: Flag, word: str) -> str:
    if word not in flag.words:
        known = did_you_mean(word, flag.words)
        raise SettingsError(f"{asked.name}.py: --{name}: nothing here is its '{word}'.{known}")
    return flag.words[word]


def _apply_rule(meaning: Meaning, asked: Asked, rule: Rule) -> None:
    words = " ".join(_words(asked, name) for name in rule.when)
    if rule.refused:
        raise SettingsError(f"{asked.name}.py: {rule.refused}")
    for place, meant in rule.sets.items():
        meaning.put(place, meant, words)
    if rule.said:
        meaning.said.append(rule.said)


def _wanted(asked: Asked, name: str, any_of: list[Any]) -> str:
    if asked.script.flags[name].type == "switch":
        return f"{'' if any_of[0] else 'no '}--{name}"
    return f"--{name} " + " or ".join(shown(asked.script.flags[name], each) for each in any_of)


def _holds(when: Mapping[str, list[Any]], values: Mapping[str, Any]) -> bool:
    return all(values[name] in any_of for name, any_of in when.items())


def _copied(content: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _copied(v) if isinstance(v, Mapping) else v for k, v in content.items()}
