"""What an attack returns: everything per image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from zsrobust.attacks.health import Diagnosis, MemberCount, diagnose
from zsrobust.records.chance import COLLAPSED_SHARE, largest_share

Status = Literal["clean_wrong", "fooled", "survived"]


@dataclass(frozen=True)
class MemberResult:
    """What one member of a cascade did, per image (B,).

    ran: whether it was given the image. prediction, margin, distance: of its best iterate, judged
    again on those very pixels; of the clean image where it did not run.
    """

    name: str
    ran: Tensor
    prediction: Tensor
    margin: Tensor
    distance: Tensor
    iteration: Tensor
    forwards: Tensor
    backwards: Tensor
    flags: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class AttackResult:
    """All of an attack's findings, per image.

    pixels: (B, 3, H, W): adversarial where fooled, the best iterate found where survived, clean
    where the clean image was already wrong (with `stop="never"`: the last iterate for every image).
    status: per image. attack: the member that won, else "". predictions, margins, loss: of
    `pixels`, judged in fp32; margin is best wrong minus true logit, loss is cross-entropy.
    distance: in the norm of the threat model. iteration: of the first success, else -1.
    forwards, backwards: passes spent on the image. health: flags such as `zero-gradient`;
    `signs` says what they mean together.
    """

    pixels: Tensor
    status: tuple[Status, ...]
    attack: tuple[str, ...]
    clean_predictions: Tensor
    clean_margins: Tensor
    predictions: Tensor
    margins: Tensor
    loss: Tensor
    distance: Tensor
    iteration: Tensor
    forwards: Tensor
    backwards: Tensor
    health: tuple[tuple[str, ...], ...]
    members: tuple[MemberResult, ...]

    @property
    def robust_accuracy(self) -> float:
        """Share of all images that are right when clean and under every attack."""
        return _share(self.status, "survived", len(self.status))

    @property
    def signs(self) -> tuple[Diagnosis, ...]:
        """What the health flags say of all images together, the loudest first."""
        counts = Counter(flag for flags in self.health for flag in flags)
        attacked = len(self.status) - self.status.count("clean_wrong")
        members = [
            MemberCount(member.name, int(member.ran.sum()), self.attack.count(member.name))
            for member in self.members
        ]
        _, share = largest_share(self.clean_predictions.tolist())
        # One answer for images that are all of one class is no collapse: it is right.
        constant = share > COLLAPSED_SHARE and attacked < share * len(self.status)
        return diagnose(counts, attacked, members, collapsed=constant)

    @property
    def attack_success_rate(self) -> float:
        """Share of images right when clean that were fooled."""
        right = len(self.status) - self.status.count("clean_wrong")
        return _share(self.status, "fooled", right)


def join(parts: list[AttackResult]) -> AttackResult:
    """One result from those of consecutive blocks."""
    if len(parts) == 1:
        return parts[0]
    return _combine(parts, _concatenate)


def reorder(result: AttackResult, positions: list[int]) -> AttackResult:
    """The same findings with image `positions[i]` at place i."""

    def pick(values: list[Any]) -> Any:
        (value,) = values
        if isinstance(value, Tensor):
            return value[torch.tensor(positions, device=value.device)]
        return tuple(value[position] for position in positions)

    return _combine([result], pick)


def _combine(parts: list[AttackResult], how: Callable[[list[Any]], Any]) -> AttackResult:
    """One result of which every field that holds a value an image is `how` of the parts'."""
    fields: dict[str, Any] = {
        name: how([getattr(part, name) for part in parts])
        for name in AttackResult.__dataclass_fields__
        if name != "members"
    }
    rows = zip(*(part.members for part in parts), strict=True)
    return AttackResult(**fields, members=tuple(_combine_member(row, how) for row in rows))


def _combine_member(row: tuple[MemberResult, ...], how: Callable[[list[Any]], Any]) -> MemberResult:
    fields: dict[str, Any] = {
        name: how([getattr(member, name) for member in row])
        for name in MemberResult.__dataclass_fields__
        if name != "name"
    }
    return MemberResult(name=row[0].name, **fields)


def _concatenate(values: list[Any]) -> Any:
    if isinstance(values[0], Tensor):
        return torch.cat(values)
    return tuple(item for value in values for item in value)


def _share(status: tuple[Status, ...], which: Status, of: int) -> float:
    return status.count(which) / of if of else float("nan")
