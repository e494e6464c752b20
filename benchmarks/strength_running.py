"""Both sides of a cell on the same images, the same callable and the same threads."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from packaged_attacks import PGD_STEPS, run_packaged
from strength_cells import Cell
from strength_counting import Outcome
from victims import BATCH, Images, Victim
from zsrobust.attacks.pgd import PGD
from zsrobust.attacks.run_attack import run_attack
from zsrobust.records.atomic import write_text
from zsrobust.threat_model import parse_eps


def run_cell(cell: Cell, victim: Victim) -> Outcome:
    """Attacks the images of a cell by theirs and by ours, seed after seed."""
    images = victim.images(cell.images)
    eps = parse_eps(victim.source.radii[cell.norm], cell.norm)

    def theirs(seed: int) -> Tensor:
        return run_packaged(
            victim.classifier,
            images.pixels,
            images.labels,
            cell.attack,
            eps,
            cell.norm,
            seed,
            BATCH,
        )

    def ours(seed: int) -> Tensor:
        attack = PGD("pgd-ce-40", steps=PGD_STEPS) if cell.attack == "pgd" else cell.attack
        result = run_attack(
            victim.classifier,
            images.pixels,
            images.labels,
            attack=attack,
            eps=eps,
            norm=cell.norm,
            seed=seed,
            ids=images.ids,
            batch_size=BATCH,
        )
        return torch.tensor([status == "fooled" for status in result.status])

    sides = [[_timed(side, seed, images) for seed in range(cell.seeds)] for side in (theirs, ours)]
    broken = [tuple(ids for ids, _ in side) for side in sides]
    seconds = [tuple(spent for _, spent in side) for side in sides]
    return Outcome(images.ids, *broken, *seconds)


def _timed(
    side: Callable[[int], Tensor], seed: int, images: Images
) -> tuple[tuple[str, ...], float]:
    start = time.perf_counter()
    broken = side(seed).nonzero().squeeze(1).tolist()
    return tuple(images.ids[row] for row in broken), round(time.perf_counter() - start, 1)


def save(path: Path, cell: Cell, eps: str, outcome: Outcome) -> None:
    """Writes what came of a cell at radius `eps`, whole or not at all."""
    content = {
        "cell": asdict(cell),
        "eps": eps,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        **asdict(outcome),
    }
    write_text(path, json.dumps(content, indent=1))


def read(path: Path, eps: str) -> Outcome | None:
    """What came of a cell, or None where it has not been run at this radius."""
    if not path.exists():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    if content["eps"] != eps:
        return None
    return Outcome(
        ids=tuple(content["ids"]),
        theirs=tuple(map(tuple, content["theirs"])),
        ours=tuple(map(tuple, content["ours"])),
        theirs_seconds=tuple(content["theirs_seconds"]),
        ours_seconds=tuple(content["ours_seconds"]),
    )
