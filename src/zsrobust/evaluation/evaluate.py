"""One cell: a model, a dataset and a protocol to a run folder of records."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from zsrobust.classifier.class_embeddings import check_classes
from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.data.catalogue import load_dataset
from zsrobust.data.dataset import Dataset
from zsrobust.errors import InputError
from zsrobust.evaluation.block import MeasuredBlock, measure_block
from zsrobust.evaluation.header_of import header_of
from zsrobust.evaluation.kept_images import KeepImages, keep_images
from zsrobust.evaluation.protocol import Protocol, load_protocol
from zsrobust.evaluation.reading import OnUnreadable, ReadBlock, read_block
from zsrobust.evaluation.shard import block_count, my_blocks
from zsrobust.evaluation.under_protocol import classifier_under, prompts_under, size_under
from zsrobust.models.load import load_model
from zsrobust.models.model import Model
from zsrobust.records.header import (
    RunHeader,
    check_same_run,
    read_header,
    write_header,
)
from zsrobust.records.store import compact, finished_blocks, records_folder, write_block
from zsrobust.records.summary import Summary, summarise_run, write_summary
from zsrobust.records.unreadable import read_unreadable, said_of, write_unreadable

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
    prompts: str | None = None,
    limit: int | None = None,
    device: str = "auto",
    batch_size: int | Literal["auto"] = "auto",
    seed: int = 0,
    shard: str | None = None,
    overrides: Sequence[str] = (),
    keep: KeepImages = "64",
    suite: str | None = None,
    unreadable: OnUnreadable = "stop",
    on_block: Callable[[int, int], None] | None = None,
) -> Run:
    """Measures a model on a dataset under a protocol, into OUT/<model>--<dataset>--<protocol>/.

    prompts: single, as-released or ensemble, where the protocol leaves them to the dataset.
    limit: the first n ids of the dataset's list, so that subsets nest. batch_size `auto` halves
    when memory runs out, and says so in the header. shard: "k/K" computes every K-th block.
    keep: whose adversarial pixels are kept. suite: as a member of which suite the set is measured,
    for the header. unreadable: `stop` at an image that cannot be decoded, or `record` it: without a
    prediction, in no number, and said beside each. on_block(done, all) is called after each block.
    Safe to kill at any instant and to continue by the same call; another run's folder is refused.
    """
    chosen = load_protocol(protocol, overrides)
    loaded = load_model(model, device)
    name = dataset.name if isinstance(dataset, Dataset) else str(dataset)
    kind = prompts_under(chosen, name, prompts)
    images = _images(dataset, split, data_root, classes_file, kind, limit)
    start = DEFAULT_BATCH if batch_size == "auto" else batch_size
    header = header_of(loaded, images, chosen, seed, start, kind, suite)
    folder = Path(out) / cell_name(loaded.name, images.name, chosen.name)
    header = open_folder(folder, header)
    classifier = classifier_under(chosen, loaded, images)
    records = records_folder(folder)
    finished = finished_blocks(records)
    todo = [block for block in my_blocks(len(images.ids), shard) if block not in finished]
    total = block_count(len(images.ids))
    size = size_under(chosen, images, classifier.input_size)
    for block in todo:
        read = read_block(images, block, size, unreadable)
        measured, start = _measure(
            classifier, read, chosen, seed, start, halve=batch_size == "auto"
        )
        if start != header.batch_size:
            said = f"Memory ran out: batch size halved to {start}."
            header = header.model_copy(
                update={"batch_size": start, "warnings": (*header.warnings, said)}
            )
            write_header(folder, header)
        keep_images(folder, block, read.ids, measured.adversarial, keep)
        write_unreadable(records, block, read.unreadable)
        write_block(records, block, measured.records)
        if on_block is not None:
            on_block(len(finished_blocks(records)), total)
    summary = close_folder(folder, total)
    return Run(folder, read_header(folder), summary)


def cell_name(model: str, dataset: str, protocol: str) -> str:
    """The folder name of a cell, with what a file system would not like replaced."""
    return "--".join(re.sub(r"[^\w.+-]+", "-", part) for part in (model, dataset, protocol))


def _images(
    dataset: str | Path | Dataset,
    split: str,
    data_root: str | Path | None,
    classes_file: Path | None,
    prompts: str | None,
    limit: int | None,
) -> Dataset:
    if not isinstance(dataset, Dataset):
        dataset = load_dataset(
            dataset,
            split=split,
            data_root=data_root,
            classes_file=classes_file,
            prompts=prompts,
        )
    elif prompts is not None:
        raise InputError(
            f"{dataset.name} is loaded already, and prompts '{prompts}' are asked for. "
            "Give the dataset by its name, or a protocol whose prompts are `dataset`."
        )
    check_classes(dataset.name, dataset.class_names, typed=dataset.variant == "user")
    if limit is not None and limit < 1:
        raise InputError(f"limit = {limit}: give at least 1 image.")
    return dataset if limit is None else dataset.first(limit)


def open_folder(folder: Path, header: RunHeader) -> RunHeader:
    """The header of the run to continue, or this one, newly written."""
    if check_same_run(folder, header):
        return read_header(folder)
    write_header(folder, header)
    return header


def _measure(
    classifier: ZeroShotClassifier,
    read: ReadBlock,
    protocol: Protocol,
    seed: int,
    batch_size: int,
    halve: bool,
) -> tuple[MeasuredBlock, int]:
    """A block measured, and the batch size that fitted into memory."""
    if read.pixels is None:
        return MeasuredBlock(records=[], adversarial={}), batch_size
    device = classifier.class_embeddings.device
    pixels = read.pixels.to(device)
    labels = None if read.labels is None else read.labels.to(device)
    while True:
        try:
            return measure_block(
                classifier, pixels, labels, read.ids, protocol, seed=seed, batch_size=batch_size
            ), batch_size
        except torch.OutOfMemoryError:
            if not halve or batch_size == 1:
                raise
            batch_size //= 2


def close_folder(folder: Path, total: int) -> Summary | None:
    """Once every block is there: one records file and the summary, recomputed from it.

    Images left out as unreadable become a warning of the header, which stands beside each number.
    """
    records = records_folder(folder)
    if len(finished_blocks(records)) < total:
        return None
    compact(records)
    if left_out := read_unreadable(records):
        header = read_header(folder)
        said = said_of(left_out, header.dataset.n)
        if said not in header.warnings:
            warnings = (*header.warnings, said)
            write_header(folder, header.model_copy(update={"warnings": warnings}))
    summary = summarise_run(folder)
    write_summary(folder, summary)
    return summary
