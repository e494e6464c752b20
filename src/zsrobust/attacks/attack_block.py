"""A cascade over one block of images: who is attacked, who is lost, and what is returned."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from zsrobust.attacks.ball import distance, project, random_start
from zsrobust.attacks.batches import in_batches
from zsrobust.attacks.catalogue import Cascade
from zsrobust.attacks.losses import cross_entropy, margin
from zsrobust.attacks.pgd import PGD
from zsrobust.attacks.pursuit import Findings, Logits, pursue
from zsrobust.attacks.result import AttackResult, MemberResult, Status
from zsrobust.errors import PixelsError
from zsrobust.threat_model import ThreatModel

Stop = Literal["first", "never"]


@dataclass(frozen=True)
class Campaign:
    """What is done to every block alike."""

    cascade: Cascade
    threat: ThreatModel
    seed: int
    batch_size: int
    stop: Stop


@dataclass
class Verdict:
    """What a model says of pixels, judged without gradient: (n,) each."""

    prediction: Tensor
    margin: Tensor
    loss: Tensor


@dataclass
class Block:
    """The images of a block and where each stands."""

    clean: Tensor
    labels: Tensor
    ids: list[str]
    verdict: Verdict
    standing: Tensor
    best: Tensor
    best_verdict: Verdict
    winner: list[str]
    iteration: Tensor
    members: list[MemberResult] = field(default_factory=list)

    @property
    def right(self) -> Tensor:
        """Which clean images are classified correctly."""
        return self.verdict.prediction == self.labels


def attack_block(
    logits_of: Logits, clean: Tensor, labels: Tensor, ids: list[str], campaign: Campaign
) -> AttackResult:
    """Runs every member of the cascade on the images of a block that are still standing.

    clean: (n, 3, H, W), n at most 256. labels: (n,). The shapes of all forwards depend on the
    block and the batch size alone.
    """
    block = _open(logits_of, clean, labels.to(clean.device), ids, campaign)
    for attack in campaign.cascade:
        found = _run_member(logits_of, block, attack, campaign)
        candidates = project(found.pixels, clean, campaign.threat)
        verdict = _judge(logits_of, candidates, block.labels, campaign.batch_size)
        _take(block, attack.name, found, candidates, verdict, campaign)
    return _result(block, campaign.threat)


def _open(
    logits_of: Logits, clean: Tensor, labels: Tensor, ids: list[str], campaign: Campaign
) -> Block:
    verdict = _judge(logits_of, clean, labels, campaign.batch_size)
    right = verdict.prediction == labels
    never = campaign.stop == "never"
    best_margin = torch.full_like(verdict.margin, -torch.inf) if never else verdict.margin.clone()
    return Block(
        clean=clean,
        labels=labels,
        ids=ids,
        verdict=verdict,
        standing=torch.ones_like(right) if never else right,
        best=clean.clone(),
        best_verdict=Verdict(verdict.prediction.clone(), best_margin, verdict.loss.clone()),
        winner=[""] * len(ids),
        iteration=torch.full_like(labels, -1),
    )


def _run_member(logits_of: Logits, block: Block, attack: PGD, campaign: Campaign) -> Findings:
    found = Findings.none_yet(block.clean)
    first = campaign.stop == "first"
    for restart in range(attack.restarts):
        again = block.standing & ~found.fooled if first else block.standing
        targets = again.nonzero().squeeze(1)
        ids = [block.ids[position] for position in targets.tolist()]
        key = (campaign.seed, attack.name, restart)
        pursue(
            logits_of,
            block.clean,
            block.labels,
            targets,
            random_start(block.clean[targets], ids, campaign.threat, *key),
            attack,
            campaign.threat,
            found,
            batch_size=campaign.batch_size,
            every_step=first and attack.iterate == "best",
        )
    return found


def _take(
    block: Block,
    name: str,
    found: Findings,
    candidates: Tensor,
    verdict: Verdict,
    campaign: Campaign,
) -> None:
    """Enters what a member found: its own row, the best iterate so far, and who is lost."""
    ran = block.standing.clone()
    fooled = ran & (verdict.prediction != block.labels)
    iteration = torch.where(fooled, found.iteration, torch.full_like(found.iteration, -1))
    block.members.append(
        MemberResult(
            name=name,
            ran=ran,
            prediction=torch.where(ran, verdict.prediction, block.verdict.prediction),
            margin=torch.where(ran, verdict.margin, block.verdict.margin),
            distance=distance(candidates, block.clean, campaign.threat),
            iteration=iteration,
            forwards=found.forwards,
            backwards=found.backwards,
            flags=tuple(("zero-gradient",) if stuck else () for stuck in found.stuck.tolist()),
        )
    )
    newly = fooled & block.right & torch.tensor([not winner for winner in block.winner]).to(fooled)
    better = ran & (newly | (verdict.margin > block.best_verdict.margin))
    block.best[better] = candidates[better]
    for part in ("prediction", "margin", "loss"):
        getattr(block.best_verdict, part)[better] = getattr(verdict, part)[better]
    for position in newly.nonzero().squeeze(1).tolist():
        block.winner[position] = name
        block.iteration[position] = iteration[position]
    if campaign.stop == "first":
        block.standing = block.standing & ~fooled


def _result(block: Block, threat: ThreatModel) -> AttackResult:
    flags = zip(*(member.flags for member in block.members), strict=True)
    return AttackResult(
        pixels=block.best,
        status=_status(block.right.tolist(), block.winner),
        attack=tuple(block.winner),
        clean_predictions=block.verdict.prediction,
        clean_margins=block.verdict.margin,
        predictions=block.best_verdict.prediction,
        margins=block.best_verdict.margin,
        loss=block.best_verdict.loss,
        distance=distance(block.best, block.clean, threat),
        iteration=block.iteration,
        forwards=torch.stack([member.forwards for member in block.members]).sum(0),
        backwards=torch.stack([member.backwards for member in block.members]).sum(0),
        health=tuple(tuple(sorted({flag for row in rows for flag in row})) for rows in flags),
        members=tuple(block.members),
    )


def _status(right: list[bool], winner: list[str]) -> tuple[Status, ...]:
    return tuple(
        "clean_wrong" if not was_right else "fooled" if name else "survived"
        for was_right, name in zip(right, winner, strict=True)
    )


def _judge(logits_of: Logits, pixels: Tensor, labels: Tensor, batch_size: int) -> Verdict:
    with torch.no_grad():
        logits = in_batches(logits_of, pixels, batch_size)
    if int(labels.max()) >= logits.shape[1] or int(labels.min()) < 0:
        raise PixelsError(
            f"labels must lie in [0, {logits.shape[1]}), the number of classes; "
            f"got [{int(labels.min())}, {int(labels.max())}]."
        )
    return Verdict(logits.argmax(1), margin(logits, labels), cross_entropy(logits, labels))
