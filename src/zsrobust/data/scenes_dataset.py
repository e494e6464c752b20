"""A task over the embedded scenes as a dataset."""

from __future__ import annotations

import numpy as np
from PIL import Image

from zsrobust.data.dataset import Dataset, in_hash_order
from zsrobust.data.entry import DatasetEntry
from zsrobust.data.labelling import chosen_prompts
from zsrobust.data.scenes import TASKS, describe, render, task_ids
from zsrobust.errors import UnknownNameError
from zsrobust.registry import did_you_mean


def scenes_dataset(
    name: str, entry: DatasetEntry, split: str, prompts: str | None = None
) -> Dataset:
    """The scenes of a split that take part in a task, rendered as they are read.

    prompts: `single` is the first of the task's templates, `ensemble` (the default) all of them.
    Raises UnknownNameError for a task or a split that the scenes do not have, DataError for other
    prompts.
    """
    if name not in TASKS:
        raise UnknownNameError(f"The scenes have no task '{name}'.{did_you_mean(name, TASKS)}")
    task = TASKS[name]
    part = task_ids(task, split)
    kinds = {"single": task.templates[:1], "ensemble": task.templates}
    return in_hash_order(
        Dataset(
            name=name,
            split=split,
            version=entry.version,
            class_names=task.class_names,
            templates=chosen_prompts(name, kinds, prompts or "ensemble"),
            ids=part.ids,
            labels=part.labels,
            read=lambda position: Image.fromarray(render(describe(part.ids[position])).image),
            variant="official",
            source=entry.source,
            notes=tuple(entry.notes),
            mask=lambda position: np.asarray(render(describe(part.ids[position])).mask),
        )
    )
