"""A run that has ended, opened again, with the model and the images it was made with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from zsrobust.attacks.batches import BLOCK
from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.data.catalogue import load_dataset
from zsrobust.data.dataset import Dataset
from zsrobust.data.pixels import read_pixels
from zsrobust.errors import DataError, InputError, ModelError, RunFolderError
from zsrobust.evaluation.protocol import Protocol, protocol_of
from zsrobust.evaluation.shard import block_count
from zsrobust.evaluation.under_protocol import classifier_under, size_under
from zsrobust.models.catalogue import model_names
from zsrobust.models.load import load_model
from zsrobust.models.model import Model
from zsrobust.records.header import DatasetHeader, ModelHeader, RunHeader, read_header
from zsrobust.records.record import Record
from zsrobust.records.store import finished_blocks, read_records, records_folder
from zsrobust.records.summary import FILE_NAME
from zsrobust.records.unreadable import read_unreadable


@dataclass(frozen=True)
class FinishedRun:
    """What a finished run's folder says, and the protocol it was made under."""

    path: Path
    header: RunHeader
    protocol: Protocol
    records: tuple[Record, ...]

    def block(self, number: int) -> tuple[Record, ...]:
        """The records of one block."""
        return self.records[number * BLOCK : (number + 1) * BLOCK]


@dataclass(frozen=True)
class Subject:
    """The run's classifier, and its clean images: position -> (3, H, W) on its device."""

    classifier: ZeroShotClassifier
    image: Callable[[int], Tensor]


def open_run(path: str | Path) -> FinishedRun:
    """The evaluation in a run folder.

    Raises RunFolderError for runs of another kind and for one that has not ended, RunError for
    records that cannot be read, SettingsError where this version means another attack by the name.
    """
    folder = Path(path)
    header = read_header(folder)
    if header.kind != "evaluate":
        raise RunFolderError(
            f"{folder}: a run of training has no records. Verify an evaluation of its model."
        )
    if header.protocol.content.get("eight_bit"):
        raise RunFolderError(
            f"{folder}: made by `zsrobust attack`, which reads its pictures back and judges them "
            "itself. Verify a run of `zsrobust evaluate`."
        )
    done, all_blocks = len(finished_blocks(records_folder(folder))), block_count(header.dataset.n)
    if done < all_blocks or not (folder / FILE_NAME).exists():
        raise RunFolderError(
            f"{folder}: not finished ({done} of {all_blocks} blocks are done"
            f"{'' if done < all_blocks else f', and no {FILE_NAME}'}). Give its command again."
        )
    if left_out := read_unreadable(records_folder(folder)):
        raise RunFolderError(
            f"{folder}: {len(left_out)} images could not be read and have no record. Remove them "
            "from the dataset, evaluate elsewhere and verify that run."
        )
    protocol = protocol_of(header.protocol.name, header.protocol.content)
    return FinishedRun(folder, header, protocol, tuple(read_records(records_folder(folder))))


def load_subject(
    run: FinishedRun,
    *,
    model: str | Path | Model | None = None,
    dataset: str | Path | Dataset | None = None,
    data_root: str | Path | None = None,
    classes_file: Path | None = None,
    device: str = "auto",
) -> Subject:
    """The model and the images of a run, found where its header says or where they are given.

    Raises ModelError or DataError where they are not found or are not those of the run.
    """
    loaded = _model(run.header.model, model, device)
    images = _images(run.header.dataset, dataset, data_root, classes_file)
    classifier = classifier_under(run.protocol, loaded, images)
    size = size_under(run.protocol, images, classifier.input_size)

    def image(position: int) -> Tensor:
        return read_pixels(images, [position], size)[0].to(loaded.device)

    return Subject(classifier, image)


def _model(header: ModelHeader, given: str | Path | Model | None, device: str) -> Model:
    place = given
    if place is None:
        moved = header.name in model_names() and not Path(header.source).exists()
        place = header.name if moved else header.source
    try:
        loaded = load_model(place, device)
    except InputError as error:
        raise ModelError(_not_found("model", header.name, str(error), given is None)) from None
    if loaded.fingerprint != header.hash:
        raise ModelError(
            f"{loaded.source}: not the model of the run: its hash is {loaded.fingerprint}, "
            f"run.json says {header.hash} ({header.name}). Give that one with --model."
        )
    return loaded


def _images(
    header: DatasetHeader,
    given: str | Path | Dataset | None,
    data_root: str | Path | None,
    classes_file: Path | None,
) -> Dataset:
    found = given
    if not isinstance(found, Dataset):
        try:
            found = load_dataset(
                found or header.name,
                split=header.split,
                data_root=data_root,
                classes_file=classes_file,
                prompts=header.prompts,
            )
        except InputError as error:
            said = _not_found("dataset", header.name, str(error), given is None)
            raise DataError(said) from None
    images = found.first(header.n)
    images = images if header.labelled else replace(images, labels=None)
    if images.variant_hash() != header.hash:
        raise DataError(
            f"{found.source}: not the images of the run: the hash of the first {header.n} is "
            f"{images.variant_hash()}, run.json says {header.hash} ({header.name}, "
            f"{header.split}). Give those with --dataset."
        )
    return images


def _not_found(kind: str, name: str, reason: str, sought: bool) -> str:
    if not sought:
        return reason
    return f"The run's {kind}, {name}, was not found. {reason} Say where it is: --{kind}."
