"""The images of a block under attack: where each stands, and what is best against it."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from zsrobust.attacks.ball import distance
from zsrobust.attacks.judging import Verdict
from zsrobust.attacks.result import AttackResult, MemberResult, Status
from zsrobust.threat_model import ThreatModel


@dataclass
class Block:
    """n images, (n,) each but pixels: clean and best (n, 3, H, W).

    verdict: of the clean images. standing: who is still attacked. best, best_verdict: the worst
    case found. winner: the member that fooled an image, else "". probed: flags of the classifier.
    """

    clean: Tensor
    labels: Tensor
    ids: list[str]
    verdict: Verdict
    standing: Tensor
    best: Tensor
    best_verdict: Verdict
    winner: list[str]
    iteration: Tensor
    probed: tuple[str, ...]
    members: list[MemberResult] = field(default_factory=list)

    @classmethod
    def opened(
        cls,
        clean: Tensor,
        labels: Tensor,
        ids: list[str],
        verdict: Verdict,
        probed: tuple[str, ...],
        *,
        attack_all: bool,
    ) -> Block:
        """Nothing attacked yet. attack_all: even who is wrong already is; the last find counts."""
        right = verdict.prediction == labels
        best_verdict = verdict.copy()
        if attack_all:
            best_verdict.margin.fill_(-torch.inf)
        return cls(
            clean=clean,
            labels=labels,
            ids=ids,
            verdict=verdict,
            standing=torch.ones_like(right) if attack_all else right,
            best=clean.clone(),
            best_verdict=best_verdict,
            winner=[""] * len(ids),
            iteration=torch.full_like(labels, -1),
            probed=probed,
        )

    @property
    def right(self) -> Tensor:
        """Which clean images are classified correctly."""
        return self.verdict.prediction == self.labels

    def keep_best(
        self, name: str, candidates: Tensor, verdict: Verdict, fooled: Tensor, iteration: Tensor
    ) -> None:
        """Enters what a member found for those standing: a first success, or a larger margin."""
        won = torch.tensor([bool(winner) for winner in self.winner]).to(fooled)
        newly = fooled & self.right & ~won
        better = self.standing & (newly | (verdict.margin > self.best_verdict.margin))
        rows = better.nonzero().squeeze(1)
        self.best[rows] = candidates[rows]
        self.best_verdict.take(rows, verdict, rows)
        for position in newly.nonzero().squeeze(1).tolist():
            self.winner[position] = name
            self.iteration[position] = iteration[position]

    def result(self, threat: ThreatModel) -> AttackResult:
        """What is returned of the block."""
        flags = zip(*(member.flags for member in self.members), strict=True)
        return AttackResult(
            pixels=self.best,
            status=_status(self.right.tolist(), self.winner),
            attack=tuple(self.winner),
            clean_predictions=self.verdict.prediction,
            clean_margins=self.verdict.margin,
            predictions=self.best_verdict.prediction,
            margins=self.best_verdict.margin,
            loss=self.best_verdict.loss,
            distance=distance(self.best, self.clean, threat),
            iteration=self.iteration,
            forwards=torch.stack([member.forwards for member in self.members]).sum(0),
            backwards=torch.stack([member.backwards for member in self.members]).sum(0),
            health=tuple(tuple(sorted({flag for row in rows for flag in row})) for rows in flags),
            members=tuple(self.members),
        )


def _status(right: list[bool], winner: list[str]) -> tuple[Status, ...]:
    return tuple(
        "clean_wrong" if not was_right else "fooled" if name else "survived"
        for was_right, name in zip(right, winner, strict=True)
    )
