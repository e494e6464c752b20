"""What a run's header says: of its model, of its images as that model was shown them, of itself."""

from __future__ import annotations

from datetime import UTC, datetime

import torch

from zsrobust.attacks.batches import BLOCK
from zsrobust.data.catalogue import dataset_entry, dataset_names
from zsrobust.data.dataset import Dataset
from zsrobust.data.overlap import class_overlap
from zsrobust.evaluation.protocol import Protocol
from zsrobust.evaluation.under_protocol import size_under, templates_under
from zsrobust.evaluation.warnings import warnings_before
from zsrobust.models.catalogue import model_entry, model_names
from zsrobust.models.model import Model
from zsrobust.records.environment import invocation, package_versions
from zsrobust.records.header import DatasetHeader, ModelHeader, ProtocolHeader, RunHeader


def header_of(
    model: Model,
    images: Dataset,
    protocol: Protocol,
    seed: int,
    batch_size: int,
    prompts: str | None = None,
    suite: str | None = None,
) -> RunHeader:
    """What `run.json` says of a model measured on images under a protocol, here and now.

    prompts: the kind with which the images were loaded. suite: as a member of which.
    """
    return RunHeader(
        kind="evaluate",
        command=invocation(),
        model=model_header(model),
        dataset=seen_under(protocol, model, images, prompts),
        protocol=ProtocolHeader(name=protocol.name, hash=protocol.hash, content=protocol.content),
        seed=seed,
        block_size=BLOCK,
        overrides=protocol.overrides,
        versions=package_versions(),
        device=str(model.device),
        threads=torch.get_num_threads(),
        batch_size=batch_size,
        warnings=warnings_before(model, protocol, prompts),
        suite=suite,
        created=datetime.now(UTC),
    )


def model_header(model: Model) -> ModelHeader:
    """The model's name, hash and source, and what is known of the sets it was tuned on."""
    return ModelHeader(
        name=model.name,
        hash=model.fingerprint,
        source=model.source,
        tuned_on=_tuned_on(model),
    )


def _tuned_on(model: Model) -> tuple[str, ...]:
    """The sets that the model's card names, or the catalogue where it has no card."""
    if model.card:
        return tuple(model.card.tuned_on)
    tuning = model_entry(model.name).tuning if model.name in model_names() else None
    return (tuning.dataset,) if tuning and tuning.dataset else ()


def seen_under(
    protocol: Protocol, model: Model, images: Dataset, prompts: str | None = None
) -> DatasetHeader:
    """The images, with the resolution and the prompts that the protocol comes to for them.

    prompts: the kind with which the images were loaded.
    """
    return images.header().model_copy(
        update={
            "resolution": size_under(protocol, images, model.image_size),
            "prompts": prompts,
            "templates": templates_under(protocol, images),
            "overlap": _overlap(model, images),
        }
    )


def _has_classes(name: str) -> bool:
    """Of image-caption pairs no one can say which classes they show."""
    return dataset_entry(name).kind != "pairs"


def _overlap(model: Model, images: Dataset) -> dict[str, float]:
    """Set that the model was tuned on -> share of the classes here that it has too, where known."""
    known = dataset_names()
    if images.name not in known or images.variant == "user":
        return {}
    tuned_on = [name for name in _tuned_on(model) if name in known and _has_classes(name)]
    return {name: class_overlap(images.name, name).share for name in tuned_on}
