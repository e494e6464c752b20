"""What a run is: `run.json`, the hash that names its cell, and whose folder a folder is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, Field, ValidationError

from zsrobust.errors import RunFolderError
from zsrobust.records.atomic import write_text
from zsrobust.records.store import BLOCK_SIZE
from zsrobust.settings import StrictModel, canonical_hash

HEADER_VERSION = 1
FILE_NAME = "run.json"


class ModelHeader(StrictModel):
    """Which model: hash over the weights used and the preprocessing; source: where it came from.

    tuned_on: the datasets that its card says it was fine-tuned on.
    """

    name: str
    hash: str
    source: str
    tuned_on: tuple[str, ...] = ()


class DatasetHeader(StrictModel):
    """Which images: hash over the ids used, their labels and the class names.

    n: how many images. labelled: False where labels are the model's own clean predictions.
    class_names: what the numbers in the records mean. notes: known faults of the labels.
    resolution: at which images were read and attacked, in pixels or as a protocol says it; None in
    runs of before. prompts: the kind asked for, None for the dataset's default or the protocol's
    own; templates: the prompts used. overlap: dataset that the model was tuned on ->
    share of the classes here that it holds too, where that is known.
    """

    name: str
    split: str
    version: int
    variant: Literal["official", "subset", "miniature", "user"]
    n: int
    hash: str
    labelled: bool = True
    class_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    resolution: int | str | None = None
    prompts: str | None = None
    templates: tuple[str, ...] = ()
    overlap: dict[str, float] = Field(default_factory=dict)


class ProtocolHeader(StrictModel):
    """Which settings: a protocol, or the recipe of a training run, with overrides applied."""

    name: str
    hash: str
    content: dict[str, Any]


class RunHeader(StrictModel):
    """All that is needed to say what a run measured, and to measure it again.

    overrides: `--set` as typed. versions: package -> version. device, threads (of each process),
    processes (that train together), batch_size: what the run used; they name no cell. warnings:
    said before the numbers (canary, settings).
    suite: as a member of which suite the set was asked for. created: with a time zone.
    """

    schema_version: Literal[1] = 1
    kind: Literal["evaluate", "train"]
    command: str
    model: ModelHeader
    dataset: DatasetHeader
    protocol: ProtocolHeader
    seed: int
    block_size: int = Field(default=BLOCK_SIZE, gt=0)
    overrides: tuple[str, ...] = ()
    versions: dict[str, str]
    device: str
    threads: int
    processes: int = Field(default=1, ge=1)
    batch_size: int
    warnings: tuple[str, ...] = ()
    suite: str | None = None
    created: AwareDatetime

    def identity(self) -> str:
        """The hash of what defines the cell: equal for two runs that must give equal records."""
        hashes = [self.model.hash, self.dataset.hash, self.protocol.hash]
        return canonical_hash([self.kind, *hashes, self.seed, self.block_size])


def write_header(folder: Path, header: RunHeader) -> Path:
    """Writes `run.json` into a run folder, whole or not at all; returns its path."""
    path = folder / FILE_NAME
    write_text(path, header.model_dump_json(indent=2) + "\n")
    return path


def read_header(folder: Path) -> RunHeader:
    """The header of a run folder; raises RunFolderError naming the file and what is wrong."""
    path = folder / FILE_NAME
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunFolderError(f"{folder}: no {FILE_NAME}, so this is no run folder.") from None
    except (OSError, ValueError) as error:
        raise RunFolderError(f"{path}: cannot be read ({error}).") from None
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version != HEADER_VERSION:
        raise RunFolderError(
            f"{path}: schema version {version}, this zsrobust reads {HEADER_VERSION}."
        )
    try:
        return RunHeader.model_validate(content)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
        )
        raise RunFolderError(f"{path}: not a run header ({faults}).") from None


def check_same_run(folder: Path, header: RunHeader) -> bool:
    """Whether `folder` holds this very run, to be continued; False where it is free to use.

    Free: absent, or empty but for dot files, which a kill may leave. Raises RunFolderError where
    another run or anything else is there.
    """
    if not folder.exists():
        return False
    if not folder.is_dir():
        raise RunFolderError(f"{folder} is a file. Give another folder with --out.")
    if not (folder / FILE_NAME).exists():
        found = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
        if found:
            raise RunFolderError(
                f"{folder} holds other files ({found[0]}) and no {FILE_NAME}. "
                "Give an empty or new folder with --out."
            )
        return False
    there = read_header(folder)
    if there.identity() == header.identity():
        _check_same_view(folder, there.dataset, header.dataset)
        return True
    raise RunFolderError(
        f"{folder} holds another run: {_difference(there, header)}. "
        "Give another folder with --out, or delete this one."
    )


def _check_same_view(folder: Path, there: DatasetHeader, here: DatasetHeader) -> None:
    """Refuses to go on at another size or with other prompts; runs of before say neither."""
    for word in ("resolution", "templates"):
        old, new = getattr(there, word), getattr(here, word)
        if old and new and old != new:
            raise RunFolderError(
                f"{folder} holds another run: {word} {old} there, {new} here. "
                "Give another folder with --out, or delete this one."
            )


def find_runs(path: Path) -> list[Path]:
    """All run folders at or beneath `path`, sorted; hidden folders are passed over.

    Raises RunFolderError where `path` is no folder.
    """
    if not path.is_dir():
        raise RunFolderError(f"{path}: no such folder. Give a run folder, or one that holds runs.")
    folders = (found.parent for found in path.rglob(FILE_NAME))
    return sorted(
        folder
        for folder in folders
        if not any(part.startswith(".") for part in folder.relative_to(path).parts)
    )


def _difference(there: RunHeader, here: RunHeader) -> str:
    """What sets two runs apart, as "model a (1f..) there, b (2e..) here; ..."."""
    words = []
    for name, old, new in (
        ("model", there.model, here.model),
        ("dataset", there.dataset, here.dataset),
        ("protocol", there.protocol, here.protocol),
    ):
        if old.hash != new.hash:
            words.append(f"{name} {old.name} ({old.hash}) there, {new.name} ({new.hash}) here")
    for name in ("kind", "seed", "block_size"):
        if getattr(there, name) != getattr(here, name):
            words.append(f"{name} {getattr(there, name)} there, {getattr(here, name)} here")
    return "; ".join(words)
