"""Suites: sets that a study averages over, each in the split and with the prompts it takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field

from zsrobust.errors import UnknownNameError
from zsrobust.registry import did_you_mean
from zsrobust.settings import StrictModel, entry_names, leading_comment, parse, read_yaml

SUITES = Path(__file__).parent / "suites"
PromptKind = Literal["single", "as-released", "ensemble"]


class MemberSettings(StrictModel):
    """One set of a suite's YAML; prompts: where they are not the suite's."""

    dataset: str
    split: str = "test"
    prompts: PromptKind | None = None


class SuiteSettings(StrictModel):
    """What a suite's YAML holds. prompts: of every member that names none."""

    source: str = Field(min_length=1)
    prompts: PromptKind | None = None
    members: list[MemberSettings] = Field(min_length=1)


@dataclass(frozen=True)
class Member:
    """A set of a suite: its split and kind of prompts (None: the set's default)."""

    dataset: str
    split: str
    prompts: str | None


@dataclass(frozen=True)
class Suite:
    """Sets whose unweighted mean a study publishes, in its order."""

    name: str
    description: str
    source: str
    members: tuple[Member, ...]


def suite_names() -> list[str]:
    """The names of the suites, sorted."""
    return entry_names(SUITES)


def load_suite(name: str) -> Suite:
    """A suite by name; raises UnknownNameError with the nearest known one."""
    if name not in suite_names():
        raise UnknownNameError(
            f"Unknown suite '{name}'.{did_you_mean(name, suite_names())} See: zsrobust suites"
        )
    path = SUITES / f"{name}.yaml"
    settings = parse(SuiteSettings, read_yaml(path), path.name)
    return Suite(
        name=name,
        description=leading_comment(path).splitlines()[-1],
        source=settings.source,
        members=tuple(
            Member(each.dataset, each.split, each.prompts or settings.prompts)
            for each in settings.members
        ),
    )
