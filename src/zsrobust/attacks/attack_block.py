"""A cascade over one block of images: who is attacked, who is lost, and what is returned."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from zsrobust.attacks.ball import distance, project
from zsrobust.attacks.block import Block
from zsrobust.attacks.eight_bit import to_eight_bit
from zsrobust.attacks.findings import Findings
from zsrobust.attacks.judging import Verdict, judge
from zsrobust.attacks.looking import Logits
from zsrobust.attacks.member_flags import member_flags
from zsrobust.attacks.precision import Precision, passes
from zsrobust.attacks.probes import IMAGES, probe
from zsrobust.attacks.pursuit import SLACK, Hunt, pursue
from zsrobust.attacks.result import AttackResult, MemberResult
from zsrobust.attacks.search import Attack, Cascade, Case
from zsrobust.threat_model import ThreatModel

Stop = Literal["first", "never"]


@dataclass(frozen=True)
class Campaign:
    """What is done to every block alike. samples, votes: forwards a look, and a judgement."""

    cascade: Cascade
    threat: ThreatModel
    seed: int
    batch_size: int
    stop: Stop
    precision: Precision = "fp32"
    eight_bit: bool = False
    samples: int = 1
    votes: int = 1


def attack_block(
    logits_of: Logits, clean: Tensor, labels: Tensor, ids: list[str], campaign: Campaign
) -> AttackResult:
    """Runs every member of the cascade on the images of a block that are still standing.

    clean: (n, 3, H, W), n at most 256. labels: (n,). The shapes of all forwards depend on the
    block and the batch size alone.
    """
    block = _open(logits_of, clean, labels.to(clean.device), ids, campaign)
    for prefix, search_logits in passes(logits_of, campaign.precision):
        for attack in campaign.cascade:
            found = _run_member(search_logits, logits_of, block, attack, campaign)
            _take(logits_of, block, prefix, attack, found, campaign)
    return block.result(campaign.threat)


def _open(
    logits_of: Logits, clean: Tensor, labels: Tensor, ids: list[str], campaign: Campaign
) -> Block:
    verdict = judge(logits_of, clean, labels, campaign.batch_size, campaign.votes)
    probed = probe(logits_of, clean, averaged=campaign.samples > 1)
    never = campaign.stop == "never"
    return Block.opened(clean, labels, ids, verdict, probed, attack_all=never)


def _run_member(
    search_logits: Logits, logits_of: Logits, block: Block, attack: Attack, campaign: Campaign
) -> Findings:
    found, first = Findings.none_yet(block.clean), campaign.stop == "first"
    doubtful = campaign.eight_bit or campaign.votes > 1
    hunt = Hunt(
        logits_of=search_logits,
        begin=lambda images, turn: attack.begin(_case(block, images, campaign), turn),
        clean=block.clean,
        labels=block.labels,
        threat=campaign.threat,
        batch_size=campaign.batch_size,
        samples=campaign.samples,
        until_fooled=first,
        every_look=first and attack.iterate == "best",
        stays_inside=attack.stays_inside,
        confirm=partial(_confirm, logits_of, block, campaign) if doubtful else None,
    )
    targets = block.standing.nonzero().squeeze(1)
    if len(targets):
        pursue(hunt, targets, attack.rounds(block.verdict.ranking.shape[1]), found)
    return found


def _case(block: Block, targets: Tensor, campaign: Campaign) -> Case:
    return Case(
        clean=block.clean[targets],
        labels=block.labels[targets],
        ranking=block.verdict.ranking[targets],
        ids=[block.ids[position] for position in targets.tolist()],
        threat=campaign.threat,
        seed=campaign.seed,
    )


def _confirm(
    logits_of: Logits, block: Block, campaign: Campaign, pixels: Tensor, images: Tensor
) -> tuple[Tensor, Tensor]:
    """The pixels to keep, rounded where that is asked for, and which of them fool beyond doubt."""
    labels, inside = block.labels[images], torch.ones_like(images, dtype=torch.bool)
    if campaign.eight_bit:
        pixels, inside = to_eight_bit(pixels, block.clean[images], campaign.threat)
    verdict = judge(logits_of, pixels, labels, campaign.batch_size, campaign.votes)
    fooled = verdict.prediction != labels
    # Votes leave no doubt that a margin of mean logits could settle.
    return pixels, inside & fooled & ((verdict.margin > SLACK) | (campaign.votes > 1))


def _take(
    logits_of: Logits,
    block: Block,
    prefix: str,
    attack: Attack,
    found: Findings,
    campaign: Campaign,
) -> None:
    """Judges what a member found, and enters it: its own row, the best iterate, who is lost."""
    name, ran = prefix + attack.name, block.standing.clone()
    candidates = _candidates(block, found, campaign)
    verdict = _verdict(logits_of, block, candidates, campaign)
    fooled = ran & (verdict.prediction != block.labels)
    iteration = torch.where(fooled, found.iteration, torch.full_like(found.iteration, -1))
    flags = member_flags(attack, found, block, fooled, campaign.threat, campaign.eight_bit)
    if not block.members:
        flags = tuple((*block.probed, *own) if i < IMAGES else own for i, own in enumerate(flags))
    block.members.append(
        MemberResult(
            name=name,
            ran=ran,
            prediction=verdict.prediction,
            margin=verdict.margin,
            distance=distance(candidates, block.clean, campaign.threat),
            iteration=iteration,
            forwards=found.forwards,
            backwards=found.backwards,
            flags=flags,
        )
    )
    block.keep_best(name, candidates, verdict, fooled, iteration)
    if campaign.stop == "first":
        block.standing = block.standing & ~fooled


def _candidates(block: Block, found: Findings, campaign: Campaign) -> Tensor:
    """What is judged of each image: the attack's best, brought into ball and box, and rounded."""
    candidates = project(found.pixels, block.clean, campaign.threat)
    if not campaign.eight_bit:
        return candidates
    rounded, inside = to_eight_bit(candidates, block.clean, campaign.threat)
    allowed = (inside & block.standing).view(-1, 1, 1, 1)
    # What was confirmed is rounded already, and in L2 a second rounding stretches it anew.
    rounded = torch.where(found.fooled.view(-1, 1, 1, 1), found.pixels, rounded)
    return torch.where(allowed, rounded, block.clean)


def _verdict(logits_of: Logits, block: Block, candidates: Tensor, campaign: Campaign) -> Verdict:
    """The verdict on the candidates of those standing; of the others, that on the clean image."""
    verdict, rows = block.verdict.copy(), block.standing.nonzero().squeeze(1)
    if len(rows):
        judged = judge(
            logits_of, candidates[rows], block.labels[rows], campaign.batch_size, campaign.votes
        )
        verdict.take(rows, judged, torch.arange(len(rows), device=rows.device))
    return verdict
