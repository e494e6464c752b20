"""One cell: a model, a dataset and a protocol to a run folder of records."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import torch

from zsrobust.attacks.batches import BLOCK
from zsrobust.classifier.class_embeddings import refuse_duplicates
from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.data.catalogue import load_dataset
from zsrobust.data.dataset import Dataset
from zsrobust.data.pixels import read_pixels
from zsrobust.errors import InputError
from zsrobust.evaluation.block import MeasuredBlock, measure_block
from zsrobust.evaluation.kept_images import KeepImages, keep_images
from zsrobust.evaluation.protocol import Protocol, load_protocol
from zsrobust.evaluation.shard import block_count, my_blocks
from zsrobust.evaluation.under_protocol import classifier_under, size_under
from zsrobust.evaluation.warnings import warnings_before
from zsrobust.models.load import load_model
from zsrobust.models.model import Model
from zsrobust.records.environment import invocation, package_versions
from zsrobust.records.header import (
    ModelHeader,
    ProtocolHeader,
    RunHeader,
    check_same_run,
    read_header,
    write_header,
)
from zsrobust.records.store import compact, finished_blocks, records_folder, write_block
from zsrobust.records.summary import Summary, summarise_run, write_summary

DEFAULT_BATCH = 64


@dataclass(frozen=True)
class Run:
    """A run folder. summary is None while other shards are still to come."""

    path: Path
    header: RunHeader
    summary: Summary | None


def evaluate(
    model: str | Path | Model,
    dataset: str | Path | Dataset,
    protocol: str | Path | Protocol,
    out: str | Path,
    *,
    split: str = "test",
    data_root: str | Path | None = None,
    classes_file: Path | None = None,
    limit: int | None = None,
    device: str = "auto",
    batch_size: int | Literal["auto"] = "auto",
    seed: int = 0,
    shard: str | None = None,
    overrides: Sequence[str] = (),
    keep: KeepImages = "64",
    on_block: Callable[[int, int], None] | None = None,
) -> Run:
    """Measures a model on a dataset under a protocol, into OUT/<model>--<dataset>--<protocol>/.

    limit: the first n ids of the dataset's list, so that subsets nest. batch_size `auto` halves
    when memory runs out, and says so in the header. shard: "k/K" computes every K-th block.
    keep: whose adversarial pixels are kept. on_block(done, all) is called after each block.
    Safe to kill at any instant and to continue by the same call; another run's folder is refused.
    """
    chosen = load_protocol(protocol, overrides)
    loaded = load_model(model, device)
    images = _images(dataset, split, data_root, classes_file, limit)
    start = DEFAULT_BATCH if batch_size == "auto" else batch_size
    header = header_of(loaded, images, chosen, seed, start)
    folder = Path(out) / cell_name(loaded.name, images.name, chosen.name)
    header = open_folder(folder, header)
    classifier = classifier_under(chosen, loaded, images)
    records = records_folder(folder)
    todo = [b for b in my_blocks(len(images.ids), shard) if b not in finished_blocks(records)]
    total = block_count(len(images.ids))
    for block in todo:
        measured, start = _measure(
            classifier, images, chosen, block, seed, start, halve=batch_size == "auto"
        )
        if start != header.batch_size:
            said = f"Memory ran out: batch size halved to {start}."
            header = header.model_copy(
                update={"batch_size": start, "warnings": (*header.warnings, said)}
            )
            write_header(folder, header)
        keep_images(folder, block, list(_ids(images, block)), measured.adversarial, keep)
        write_block(records, block, measured.records)
        if on_block is not None:
            on_block(len(finished_blocks(records)), total)
    return Run(folder, header, close_folder(folder, total))


def cell_name(model: str, dataset: str, protocol: str) -> str:
    """The folder name of a cell, with what a file system would not like replaced."""
    return "--".join(re.sub(r"[^\w.+-]+", "-", part) for part in (model, dataset, protocol))


def _images(
    dataset: str | Path | Dataset,
    split: str,
    data_root: str | Path | None,
    classes_file: Path | None,
    limit: int | None,
) -> Dataset:
    if not isinstance(dataset, Dataset):
        dataset = load_dataset(dataset, split=split, data_root=data_root, classes_file=classes_file)
    if dataset.variant == "user":
        refuse_duplicates(dataset.class_names)
    if len(dataset.class_names) < 2:
        raise InputError(f"{dataset.name} has {len(dataset.class_names)} class. Name at least two.")
    if limit is not None and limit < 1:
        raise InputError(f"limit = {limit}: give at least 1 image.")
    return dataset if limit is None else dataset.first(limit)


def header_of(
    model: Model, images: Dataset, protocol: Protocol, seed: int, batch_size: int
) -> RunHeader:
    """What `run.json` says of a model measured on images under a protocol, here and now."""
    return RunHeader(
        kind="evaluate",
        command=invocation(),
        model=ModelHeader(name=model.name, hash=model.fingerprint, source=model.source),
        dataset=images.header(),
        protocol=ProtocolHeader(name=protocol.name, hash=protocol.hash, content=protocol.content),
        seed=seed,
        block_size=BLOCK,
        overrides=protocol.overrides,
        versions=package_versions(),
        device=str(model.device),
        threads=torch.get_num_threads(),
        batch_size=batch_size,
        warnings=warnings_before(model, protocol),
        created=datetime.now(UTC),
    )


def open_folder(folder: Path, header: RunHeader) -> RunHeader:
    """The header of the run to continue, or this one, newly written."""
    if check_same_run(folder, header):
        return read_header(folder)
    write_header(folder, header)
    return header


def _ids(images: Dataset, block: int) -> Sequence[str]:
    return images.ids[block * BLOCK : (block + 1) * BLOCK]


def _measure(
    classifier: ZeroShotClassifier,
    images: Dataset,
    protocol: Protocol,
    block: int,
    seed: int,
    batch_size: int,
    halve: bool,
) -> tuple[MeasuredBlock, int]:
    """A block measured, and the batch size that fitted into memory."""
    ids = list(_ids(images, block))
    positions = range(block * BLOCK, block * BLOCK + len(ids))
    device = classifier.class_embeddings.device
    pixels = read_pixels(images, positions, size_under(protocol, classifier)).to(device)
    labels = None
    if images.labels is not None:
        labels = torch.tensor([images.labels[i] for i in positions], dtype=torch.int64).to(device)
    while True:
        try:
            return measure_block(
                classifier, pixels, labels, ids, protocol, seed=seed, batch_size=batch_size
            ), batch_size
        except torch.OutOfMemoryError:
            if not halve or batch_size == 1:
                raise
            batch_size //= 2


def close_folder(folder: Path, total: int) -> Summary | None:
    """Once every block is there: one records file and the summary, recomputed from it."""
    records = records_folder(folder)
    if len(finished_blocks(records)) < total:
        return None
    compact(records)
    summary = summarise_run(folder)
    write_summary(folder, summary)
    return summary
