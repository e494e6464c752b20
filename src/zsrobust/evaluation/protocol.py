"""A protocol fixes the attack: norm, radii, steps, loss, iterate, resolution, prompts.

Never n, never hardware, never a dataset. Once released it never changes: a change is a new name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from zsrobust.attacks.catalogue import ATTACKS
from zsrobust.attacks.pgd import PGD
from zsrobust.attacks.precision import Precision
from zsrobust.attacks.search import Cascade
from zsrobust.attacks.step_size import step_length
from zsrobust.errors import SettingsError
from zsrobust.registry import did_you_mean
from zsrobust.settings import (
    StrictModel,
    canonical_hash,
    entry_names,
    find_entry,
    parse,
    read_yaml,
    with_overrides,
)
from zsrobust.threat_model import Norm, parse_eps

NamedResolution = Literal["tower", "as-released", "native", "224x224"]
Study = Literal["tecoa", "tga", "robustvlm"]
NamedPrompts = Literal["dataset", "single", "as-released", "ensemble"]

PROTOCOLS = Path(__file__).parent / "protocols"
_OF_PGD = {"losses", "steps", "step_size", "restarts", "iterate", "reduction"}
_SHORT = {"cross-entropy": "ce", "margin": "margin"}


class ProtocolSettings(StrictModel):
    """What a protocol's YAML holds.

    resolution: at which images are read and attacked; a study's name means what that study takes
    for each dataset. prompts: `dataset` is what the dataset brings or its suite says; a word picks
    a kind of the dataset's own (`as-released` with the class names of the releases), a list is the
    same for every dataset.
    """

    source: str
    norm: Norm = "linf"
    eps: list[str] = Field(default_factory=list)
    attack: str = "pgd"
    losses: list[Literal["cross-entropy", "margin"]] = ["cross-entropy"]  # noqa: RUF012
    steps: int = Field(20, ge=1)
    step_size: str = "eps/4"
    restarts: int = Field(1, ge=1)
    iterate: Literal["best", "last"] = "best"
    reduction: Literal["sum", "mean"] = "sum"
    precision: Precision = "fp32"
    eight_bit: bool = False
    resolution: int | NamedResolution | Study = "tower"
    prompts: NamedPrompts | list[str] = "dataset"

    @field_validator("eps", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return [str(eps) for eps in value] if isinstance(value, list) else [str(value)]

    @model_validator(mode="after")
    def _means_something(self) -> ProtocolSettings:
        try:
            for eps in self.eps:
                parse_eps(eps, self.norm)
            step_length(self.step_size, 1.0)
        except SettingsError as error:
            raise ValueError(str(error)) from None
        if self.attack != "none" and not self.eps:
            raise ValueError('eps is missing: an attack needs a radius such as ["1/255"].')
        if self.attack == "none" and self.eps:
            raise ValueError("eps is given, but attack is 'none'. Remove one of them.")
        if self.attack not in ("pgd", "none"):
            self._names_a_cascade()
        return self

    def _names_a_cascade(self) -> None:
        """A catalogued attack fixes its own steps; only `pgd` is spelled out here."""
        if self.attack not in ATTACKS:
            known = ("pgd", "none", *ATTACKS)
            raise ValueError(f"unknown attack '{self.attack}'.{did_you_mean(self.attack, known)}")
        own = sorted(_OF_PGD & self.model_fields_set)
        if own:
            raise ValueError(
                f"{', '.join(own)}: settings of attack 'pgd'; '{self.attack}' fixes its own."
            )


@dataclass(frozen=True)
class Protocol:
    """A protocol by name, as it is run."""

    name: str
    settings: ProtocolSettings
    overrides: tuple[str, ...] = ()

    @property
    def content(self) -> dict[str, Any]:
        """What decides numbers: every setting but its source.

        A catalogued attack is spelled out under `cascade`, its members with all their settings.
        What was added to the first protocols later stands only where it is not as before.
        """
        hidden = {"source"} if self.settings.eight_bit else {"source", "eight_bit"}
        if self.settings.attack not in ("pgd", "none"):
            spelled = [{"kind": type(each).__name__, **asdict(each)} for each in self.cascade]
            return self.settings.model_dump(exclude=hidden | _OF_PGD) | {"cascade": spelled}
        if self.settings.reduction == "sum":
            hidden |= {"reduction"}
        return self.settings.model_dump(exclude=hidden)

    @property
    def hash(self) -> str:
        """16 hex digits over the canonical JSON of `content`."""
        return canonical_hash(self.content)

    @property
    def radii(self) -> tuple[float, ...]:
        """The radii as numbers."""
        return tuple(parse_eps(eps, self.settings.norm) for eps in self.settings.eps)

    @property
    def cascade(self) -> Cascade:
        """The attacks, one a loss; each sees only the images the ones before left standing."""
        settings = self.settings
        if settings.attack != "pgd":
            return () if settings.attack == "none" else ATTACKS[settings.attack]
        return tuple(
            PGD(
                name=f"pgd-{_SHORT[loss]}-{settings.steps}",
                loss=loss,
                steps=settings.steps,
                step_size=settings.step_size,
                restarts=settings.restarts,
                iterate=settings.iterate,
                reduction=settings.reduction,
            )
            for loss in settings.losses
        )


def protocol_names() -> list[str]:
    """The names of the protocols that ship, sorted."""
    return entry_names(PROTOCOLS)


def load_protocol(protocol: str | Path | Protocol, overrides: Sequence[str] = ()) -> Protocol:
    """A protocol by name, from a user's YAML file, or as it is; `overrides` are `key=value`.

    Raises UnknownNameError, or SettingsError listing every fault at once.
    """
    if isinstance(protocol, Protocol):
        if not overrides:
            return protocol
        content, name, where = _given(protocol), protocol.name, protocol.name
    else:
        path = find_entry(protocol, PROTOCOLS, "protocol", "zsrobust protocols")
        content, name, where = read_yaml(path), path.stem, path.name
    settings = parse(ProtocolSettings, with_overrides(content, overrides), where)
    return Protocol(name, settings, tuple(overrides))


def _given(protocol: Protocol) -> dict[str, Any]:
    """What was written of it, without what is understood."""
    return protocol.settings.model_dump(exclude_unset=True)


def protocol_of(name: str, content: Mapping[str, Any]) -> Protocol:
    """The protocol that a run was made under, from its header's name and content.

    Raises SettingsError where this zsrobust means another cascade by the attack's name.
    """
    given = {key: value for key, value in content.items() if key != "cascade"}
    found = Protocol(name, parse(ProtocolSettings, {**given, "source": "a run"}, name))
    if found.content != dict(content):
        raise SettingsError(
            f"{name}: attack '{content.get('attack')}' of the run is not what this zsrobust calls "
            "by that name. Use the version that its run.json names."
        )
    return found
