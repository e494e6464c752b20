"""What a released script's flags are and mean here: one YAML a script, in `releases/`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from zsrobust.settings import StrictModel, entry_names, find_entry, parse, read_yaml

RELEASES = Path(__file__).parent / "releases"
Value = bool | int | float | str


class Flag(StrictModel):
    """One flag of a script: how it is read, and what it means here.

    type: `switch` takes no value, `true-false` the words True and False, `int-truth` 0 or 1.
    many: several words. words: what each of them is called here. unit: `255ths` of the pixel range.
    only: the values of other flags with which this one is read at all.
    sets: dotted places under `recipe`, `protocol` and `command` that take its value.
    values: what each value sets, where that is more than itself. refused: why no other value has a
    meaning here. dead: why it changes nothing in the release. ours: what does its work here.
    said: what to know where a value is given that is none of `values`.
    """

    type: Literal["str", "int", "float", "switch", "true-false", "int-truth"] = "str"
    default: Value | None = None
    choices: list[str] | None = None
    many: bool = False
    words: dict[str, str] = Field(default_factory=dict)
    unit: Literal["255ths"] | None = None
    only: dict[str, list[Value]] = Field(default_factory=dict)
    sets: list[str] = Field(default_factory=list)
    values: dict[Value, dict[str, Any]] = Field(default_factory=dict)
    refused: str | None = None
    dead: str | None = None
    ours: str | None = None
    said: str | None = None

    @field_validator("sets", mode="before")
    @classmethod
    def _one_or_many(cls, sets: Any) -> Any:
        return [sets] if isinstance(sets, str) else sets

    @model_validator(mode="after")
    def _either_dead_or_not(self) -> Flag:
        if bool(self.dead or self.ours) and (self.sets or self.values):
            raise ValueError("a flag that is dead or has another name here sets nothing.")
        return self

    @property
    def filled(self) -> Value | None:
        """What it is where it is not given: a switch is off."""
        return False if self.type == "switch" else self.default


class Rule(StrictModel):
    """What several flags mean together: where each of `when` has one of its values.

    sets: dotted places; null takes a setting out. said: printed. refused: why there is no recipe.
    """

    when: dict[str, list[Value]]
    sets: dict[str, Any] = Field(default_factory=dict)
    said: str | None = None
    refused: str | None = None


class ReleaseScript(StrictModel):
    """A script of a release.

    recipe, protocol: what its code fixes; `start` is the protocol that flags change. suite: the
    sets it tests on. checkpoints: the `release` of the files that it writes. folder: a name for
    run folders. executes: what a step costs as released, F being a forward of an image.
    """

    source: str
    folder: str
    suite: str
    checkpoints: str
    executes: str | None = None
    recipe: dict[str, Any]
    protocol: dict[str, Any] = Field(default_factory=dict)
    flags: dict[str, Flag]
    rules: list[Rule] = Field(default_factory=list)
    notes: list[str]

    @model_validator(mode="after")
    def _names_its_own_flags(self) -> ReleaseScript:
        used = {name for flag in self.flags.values() for name in flag.only}
        used |= {name for rule in self.rules for name in rule.when}
        if unknown := sorted(used - set(self.flags)):
            raise ValueError(f"no flags of it: {', '.join(unknown)}.")
        return self


def script_names() -> list[str]:
    """The scripts that are understood, without `.py`, sorted."""
    return entry_names(RELEASES)


def load_script(name: str) -> ReleaseScript:
    """The table of the script `name`; raises UnknownNameError with the nearest known."""
    path = find_entry(name, RELEASES, "script of a release", "docs/recipes.md")
    return parse(ReleaseScript, read_yaml(path), path.name)
