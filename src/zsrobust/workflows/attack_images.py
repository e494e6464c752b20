"""Photographs, class names and a radius to adversarial pictures, records and what happened."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from zsrobust.attacks.batches import BLOCK
from zsrobust.attacks.catalogue import ATTACKS
from zsrobust.attacks.eight_bit import LEVELS
from zsrobust.attacks.run_attack import DEFAULT_BATCH, run_attack
from zsrobust.attacks.search import Cascade
from zsrobust.classifier.zero_shot import ZeroShotClassifier, classifier_of
from zsrobust.data.dataset import Dataset
from zsrobust.data.pixels import read_pixels, resize_image
from zsrobust.errors import InputError, RunError, SettingsError
from zsrobust.evaluation.block import clean_answers, records_of
from zsrobust.evaluation.evaluate import Run, close_folder, open_folder
from zsrobust.evaluation.header_of import header_of
from zsrobust.evaluation.protocol import Protocol, ProtocolSettings
from zsrobust.evaluation.shard import block_count
from zsrobust.models.load import load_model
from zsrobust.models.model import Model
from zsrobust.records.header import RunHeader
from zsrobust.records.record import Record
from zsrobust.records.store import finished_blocks, read_records, records_folder, write_block
from zsrobust.settings import canonical_hash, parse
from zsrobust.threat_model import ThreatModel, check_norm, parse_eps
from zsrobust.workflows.attacked_pictures import (
    AttackedImage,
    picture_names,
    read_again,
    write_pictures,
)
from zsrobust.workflows.images_to_attack import Classes, images_to_attack

DEFAULT_OUT = Path("runs") / "attack"


@dataclass(frozen=True)
class AttackedImages:
    """A run folder, and what became of each image, by file. side: of the pictures, in pixels."""

    run: Run
    images: tuple[AttackedImage, ...]
    attack: str
    threat: ThreatModel
    side: int


def attack_images(
    path: str | Path,
    classes: Classes | None,
    model: str | Path | Model,
    eps: str | float,
    *,
    attack: str = "apgd-ce+t",
    norm: str = "linf",
    label: str | None = None,
    out: str | Path | None = None,
    batch_size: int = DEFAULT_BATCH,
    seed: int = 0,
    device: str = "auto",
    on_block: Callable[[int, int], None] | None = None,
) -> AttackedImages:
    """Attacks an image or a folder of images, and writes what it found as PNG files.

    path, classes, label: as `images_to_attack` reads them. eps: "4/255", a fraction of the pixel
    range (L2: a length); below one grey level it is refused. attack: a name of `ATTACKS`.
    out: the run folder; default: `runs/attack/<name>-<hash of the run>/`. It holds a run as
    `evaluate` makes one and, at the model's input size (shorter side to it, centre crop), where
    the radius applies: `clean/`, `adversarial/` (they fool the model), `difference/` and
    `survived/` (the strongest change found). Success counts only in pixels of 8 bits a channel,
    and every file is read back and judged again.
    The same call continues or repeats; another run's folder is refused. Nothing is written before
    every image has been decoded. Raises InputErrors (exit 2), or RunError where memory runs out.
    """
    cascade, threat = ATTACKS[attack], _threat(eps, norm)
    images = images_to_attack(Path(path).expanduser(), classes, label)
    loaded = load_model(model, device)
    header = _header(loaded, images, _protocol(attack, eps, threat), seed, batch_size)
    folder = _folder(Path(path).expanduser(), out, images, header)
    header = open_folder(folder, header)
    classifier = classifier_of(loaded, images.class_names, images.templates)
    names, total = picture_names(images.ids), block_count(len(images))
    records = records_folder(folder)
    for block in (each for each in range(total) if each not in finished_blocks(records)):
        try:
            done = _attack_block(
                classifier, images, cascade, threat, block, folder, seed, batch_size
            )
        except torch.OutOfMemoryError:
            said = f"Memory ran out with {batch_size} images at once. Lower --batch-size."
            raise RunError(said) from None
        write_block(records, block, done)
        if on_block is not None:
            on_block(len(finished_blocks(records)), total)
    run = Run(folder, header, close_folder(folder, total))
    found = read_again(classifier, folder, names, read_records(records), threat, batch_size)
    by_name = tuple(sorted(found, key=lambda image: image.file))
    return AttackedImages(run, by_name, attack, threat, loaded.image_size)


def _threat(eps: str | float, norm: str) -> ThreatModel:
    threat = ThreatModel(check_norm(norm), parse_eps(eps, norm))
    if threat.eps < (1 - 1e-6) / LEVELS:
        raise SettingsError(
            f"eps = {eps} is less than one grey level (1/{LEVELS}): no picture of 8 bits can hold "
            "such a change. Give at least 1/255, or use zsrobust.attack on float pixels."
        )
    return threat


def _protocol(attack: str, eps: str | float, threat: ThreatModel) -> Protocol:
    content = {
        "source": "zsrobust attack",
        "norm": threat.norm,
        "eps": str(eps).strip(),
        "attack": attack,
        "eight_bit": True,
    }
    return Protocol(f"{attack}-8bit", parse(ProtocolSettings, content, "zsrobust attack"))


def _header(
    model: Model, images: Dataset, protocol: Protocol, seed: int, batch_size: int
) -> RunHeader:
    """As an evaluation's, the images being named by their pixels."""
    header = header_of(model, images, protocol, seed, batch_size)
    pixels = hashlib.sha256()
    for position in range(len(images)):
        pixels.update(resize_image(images.read(position), model.image_size).tobytes())
    of_images = canonical_hash([images.variant_hash(), pixels.hexdigest()])
    named = header.dataset.model_copy(update={"hash": of_images})
    return header.model_copy(update={"dataset": named})


def _folder(path: Path, out: str | Path | None, images: Dataset, header: RunHeader) -> Path:
    folder = DEFAULT_OUT / f"{images.name}-{header.identity()[:8]}" if out is None else Path(out)
    if path.is_dir() and folder.resolve().is_relative_to(path.resolve()):
        raise InputError(f"{folder} lies inside {path}, whose images are attacked. Give another.")
    return folder


def _attack_block(
    classifier: ZeroShotClassifier,
    images: Dataset,
    cascade: Cascade,
    threat: ThreatModel,
    block: int,
    folder: Path,
    seed: int,
    batch_size: int,
) -> list[Record]:
    """Attacks a block, writes its pictures, and returns its records."""
    positions = range(block * BLOCK, min((block + 1) * BLOCK, len(images)))
    ids = [images.ids[position] for position in positions]
    device = classifier.class_embeddings.device
    pixels = read_pixels(images, positions, classifier.input_size or "native").to(device)
    known = None
    if images.labels is not None:
        known = torch.tensor([images.labels[position] for position in positions], device=device)
    predictions, margins, labels = clean_answers(classifier, pixels, known, batch_size)
    result = run_attack(
        classifier,
        pixels,
        labels,
        attack=cascade,
        eps=threat.eps,
        norm=threat.norm,
        seed=seed,
        ids=ids,
        batch_size=batch_size,
        eight_bit=True,
    )
    names = picture_names(images.ids)
    for i, position in enumerate(positions):
        write_pictures(folder, names[position], pixels[i], result.pixels[i], result.status[i])
    return records_of(ids, labels, predictions, margins, {threat.eps: result}, threat.norm)
