"""What a frozen model says of a whole training set, on disk: computed once for all trainings."""

from __future__ import annotations

import json
from collections.abc import Iterable, MutableMapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from zsrobust.errors import RunError
from zsrobust.objectives.objective import Batch, Objective
from zsrobust.records.atomic import replacing
from zsrobust.settings import StrictModel, canonical_hash

Memory = MutableMapping[tuple[str, str], Tensor]
_VALUES = "values"


class FrozenKey(StrictModel):
    """What kept answers depend on; two files agree iff these do.

    model: fingerprint. dataset: variant hash (ids, labels, class names). resolution: of the pixels,
    by the deterministic transform that made them. computed: what the model was asked.
    """

    model: str
    dataset: str
    resolution: str
    computed: str

    def path(self, folder: Path) -> Path:
        """The file of these answers in a folder that several models and datasets share."""
        return folder / f"frozen-{canonical_hash(self.model_dump())}.safetensors"


def fill_memory(
    objective: Objective, batches: Iterable[Batch], folder: Path, key: FrozenKey
) -> bool:
    """Fills an objective's memory from the file of `key`, or from `batches` and writes the file.

    batches: the whole training set in the order of its ids, in batches of one size, whatever order
    the training takes: the answers are then the same bits for every training. A file is complete or
    absent. Does nothing for an objective that keeps nothing. Returns whether the file was there.
    Raises RunError for a file that cannot be read.
    """
    if objective.remember is None:
        return False
    path = key.path(folder)
    if path.is_file():
        objective.memory.update(read_frozen(path))
        return True
    for batch in batches:
        objective.remember(batch)
    write_frozen(path, objective.memory, key)
    return False


def write_frozen(path: Path, memory: Memory, key: FrozenKey) -> None:
    """Writes answers of one shape by (sample id, class name), whole or not at all."""
    said = {"key": key.model_dump_json(), "names": json.dumps(list(memory))}
    with replacing(path) as hidden:
        save_file({_VALUES: torch.stack(list(memory.values()))}, hidden, metadata=said)


def read_frozen(path: Path) -> dict[tuple[str, str], Tensor]:
    """The answers of a file, as they were kept; raises RunError naming one that is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            names = json.loads(file.metadata()["names"])
            values = file.get_tensor(_VALUES)
        return {(sample, text): value for (sample, text), value in zip(names, values, strict=True)}
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise RunError(f"{path}: damaged ({reason}). Delete it: it is computed anew.") from None
