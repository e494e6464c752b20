"""What a self-check found, as data: plain, strict, and read without torch."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, ValidationError
from pydantic.dataclasses import dataclass

from zsrobust.errors import RunFolderError
from zsrobust.records.atomic import write_text
from zsrobust.records.intervals import Rate, rate
from zsrobust.selfcheck.plan import Plan
from zsrobust.settings import StrictModel

FILE = "selfcheck.json"

Level = Literal["fine", "open", "note", "warning", "invalid"]
"""`open`: too few images to tell, or nothing to compare. The others are those of health flags."""
Kind = Literal["clear", "masked", "collapsed", "undecided"]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Trial:
    """One attack at one radius. kept: per image, right when clean and not overturned.

    flags: how many images carry each health flag. fault: why it could not be run, else "".
    """

    name: str
    eps: str
    kept: tuple[bool, ...]
    flags: dict[str, int]
    seconds: float
    fault: str = ""

    @property
    def rate(self) -> Rate:
        """Robust accuracy over all images, with its 95 % interval."""
        return rate(sum(self.kept), len(self.kept))


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Check:
    """One question and its answer in words. flag: its short name where it is a sign, else ""."""

    name: str
    level: Level
    says: str
    flag: str = ""
    p_value: float | None = None

    @property
    def is_sign(self) -> bool:
        """Whether it speaks against the model's robustness."""
        return self.level in ("warning", "invalid")


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Verdict:
    """The whole in one line: "no sign of masking", "masked: ...", "collapsed: ..." ..."""

    kind: Kind
    line: str


class SelfCheck(StrictModel):
    """A self-check, complete. right: per image, whether the clean answer is right.

    eps: the radius that was asked for; close_eps: the one at which attacks were compared, by the
    trials in `looks`, which a collapsed model is spared.
    estimate, seconds: the time foreseen (None for a plan that was given), and taken. chance: None
    without labels.
    """

    schema_version: Literal[1] = 1
    model: str
    dataset: str
    command: str
    created: datetime
    plan: Plan
    seed: int
    estimate: float | None
    seconds: float
    labelled: bool
    chance: float | None
    ids: tuple[str, ...]
    right: tuple[bool, ...]
    eps: str
    close_eps: str
    curve: tuple[Trial, ...]
    looks: tuple[Trial, ...]
    checks: tuple[Check, ...]
    verdict: Verdict
    device: str
    threads: int
    versions: dict[str, str]

    @property
    def flags(self) -> tuple[str, ...]:
        """The signs that were raised, in the order of the checks."""
        return tuple(dict.fromkeys(check.flag for check in self.checks if check.is_sign))

    @property
    def attacked(self) -> int:
        """How many images were right when clean."""
        return sum(self.right)


def write_result(folder: Path, result: SelfCheck) -> Path:
    """Writes `folder/selfcheck.json`, whole or not at all; returns its path."""
    path = folder / FILE
    write_text(path, result.model_dump_json() + "\n")
    return path


def read_result(folder: Path) -> SelfCheck:
    """The self-check in a folder; raises RunFolderError where there is none that can be read."""
    path = folder / FILE
    try:
        return SelfCheck.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunFolderError(f"{path}: no such file. `zsrobust selfcheck` writes it.") from None
    except (ValidationError, UnicodeDecodeError) as error:
        first = str(error).splitlines()[0]
        raise RunFolderError(
            f"{path}: not a self-check of this version ({first}). Run it again."
        ) from None
