"""Attacked images as PNG files, and what the model says of them once they are read back.

A PNG holds 256 levels a channel, and so do the pixels given here: writing changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from zsrobust.attacks.ball import distance
from zsrobust.attacks.batches import blocks, in_batches
from zsrobust.attacks.eight_bit import LEVELS
from zsrobust.attacks.measuring import measuring
from zsrobust.attacks.result import Status
from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.data.readers.decode import open_rgb
from zsrobust.errors import RunFolderError
from zsrobust.records.atomic import replacing
from zsrobust.records.record import AttackOutcome, Record, clean_right
from zsrobust.threat_model import ThreatModel

FOLDERS: dict[Status, str] = {"fooled": "adversarial", "survived": "survived"}
"""Where attacked pictures lie in a run folder; those wrong when clean are not attacked."""
TOLD = 3
"""How many of the model's answers are told of an image."""


@dataclass(frozen=True)
class AttackedImage:
    """What became of one image; answers and distance are read off its PNG files.

    file: its path within what was attacked. clean, attacked: the model's best answers with their
    shares, best first; attacked is empty where the image was wrong when clean. distance: in the
    norm of the threat model. attack: the member of the cascade that won, else "". picture: the
    attacked PNG. agrees: whether the files are judged as the pixels were when they were made.
    lost_in_rounding: whether it was fooled on the way, yet by no picture of 8 bits that was found.
    """

    file: str
    status: Status
    label: str
    clean: tuple[tuple[str, float], ...]
    attacked: tuple[tuple[str, float], ...]
    distance: float
    attack: str
    iteration: int
    picture: Path | None
    agrees: bool
    lost_in_rounding: bool


def picture_names(ids: Sequence[str]) -> tuple[str, ...]:
    """File names of pictures, a folder kept: `a/x.jpg` is `a/x.png`.

    Where two would share one (`x.jpg` beside `x.gif`), all keep their suffix: `x.jpg.png`.
    """
    plain = [str(PurePosixPath(each).with_suffix("")) for each in ids]
    clash = len({name.casefold() for name in plain}) < len(plain)
    return tuple(f"{name}.png" for name in (ids if clash else plain))


def write_pictures(folder: Path, name: str, clean: Tensor, attacked: Tensor, how: Status) -> None:
    """Writes the clean picture and, where there is one, the attacked, each whole or not at all.

    clean, attacked: (3, H, W) on the grid of k/255. Beside a picture that fools lies the
    difference: grey is no change, black and white the largest.
    """
    _save(folder / "clean" / name, clean)
    if how not in FOLDERS:
        return
    _save(folder / FOLDERS[how] / name, attacked)
    if how == "fooled":
        change = attacked - clean
        _save(folder / "difference" / name, 0.5 + change / (2 * change.abs().max()))


def read_again(
    classifier: ZeroShotClassifier,
    folder: Path,
    names: Sequence[str],
    records: Sequence[Record],
    threat: ThreatModel,
    batch_size: int,
) -> tuple[AttackedImage, ...]:
    """What became of each image: its record, beside what the model says of its PNG files."""
    found: list[AttackedImage] = []
    for block in blocks(len(records)):
        found += _block_again(classifier, folder, names[block], records[block], threat, batch_size)
    return tuple(found)


def _block_again(
    classifier: ZeroShotClassifier,
    folder: Path,
    names: Sequence[str],
    records: Sequence[Record],
    threat: ThreatModel,
    batch_size: int,
) -> list[AttackedImage]:
    status = [_status(record) for record in records]
    paths = [
        folder / FOLDERS[how] / name if how in FOLDERS else None
        for how, name in zip(status, names, strict=True)
    ]
    clean = torch.stack([_levels(folder / "clean" / name) for name in names])
    attacked = torch.stack(
        [clean[i] if path is None else _levels(path) for i, path in enumerate(paths)]
    )
    before, after = (_shares(classifier, levels, batch_size) for levels in (clean, attacked))
    away = (distance(attacked, clean, threat).double() / LEVELS).tolist()
    return [
        _image(record, status[i], paths[i], before[i], after[i], away[i], classifier.class_names)
        for i, record in enumerate(records)
    ]


def _image(
    record: Record,
    status: Status,
    picture: Path | None,
    before: Tensor,
    after: Tensor,
    away: float,
    names: Sequence[str],
) -> AttackedImage:
    winner = _winner(record) if status == "fooled" else None
    wrong = int(after.argmax()) != record.label
    return AttackedImage(
        file=record.id,
        status=status,
        label=names[record.label],
        clean=_answers(before, names),
        attacked=_answers(after, names) if picture is not None else (),
        distance=away,
        attack=winner.name if winner else "",
        iteration=winner.iteration if winner else -1,
        picture=picture,
        agrees=int(before.argmax()) == record.clean_prediction and wrong == (status != "survived"),
        lost_in_rounding=status == "survived"
        and any("lost-in-rounding" in each.flags for each in record.attacks),
    )


def _status(record: Record) -> Status:
    if not clean_right(record):
        return "clean_wrong"
    return "survived" if _winner(record) is None else "fooled"


def _winner(record: Record) -> AttackOutcome | None:
    won = (each for each in record.attacks if each.ran and each.prediction != record.label)
    return next(won, None)


def _answers(shares: Tensor, names: Sequence[str]) -> tuple[tuple[str, float], ...]:
    best = shares.topk(min(TOLD, len(names)))
    pairs = zip(best.indices.tolist(), best.values.tolist(), strict=True)
    return tuple((names[number], share) for number, share in pairs)


def _save(path: Path, pixels: Tensor) -> None:
    levels = (pixels * LEVELS).round().clamp(0, LEVELS).to(torch.uint8)
    with replacing(path) as hidden:
        Image.fromarray(levels.permute(1, 2, 0).cpu().numpy()).save(hidden, format="PNG")


def _levels(path: Path) -> Tensor:
    """The levels of a PNG, (3, H, W) float32 from 0 to 255: whole, so that distances are exact."""
    if not path.is_file():
        raise RunFolderError(
            f"{path} is gone, though the run's records tell of it. Give another folder with "
            "--out, or delete this run."
        )
    levels = np.array(open_rgb(path, str(path)), dtype=np.float32)
    return torch.from_numpy(levels).permute(2, 0, 1)


def _shares(classifier: ZeroShotClassifier, levels: Tensor, batch_size: int) -> Tensor:
    pixels = (levels / LEVELS).to(classifier.class_embeddings.device)
    with measuring(classifier), torch.no_grad():
        return in_batches(classifier, pixels, batch_size).softmax(1).cpu()
