"""One image file as a dataset of one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from zsrobust.data.dataset import Dataset
from zsrobust.data.readers.decode import open_rgb
from zsrobust.data.readers.names import PLAIN_TEMPLATE


def read_picture(file: Path, class_names: Sequence[str]) -> Dataset:
    """The unlabelled dataset that holds one image file, under the file's name."""
    return Dataset(
        name=file.stem,
        split="all",
        version=1,
        class_names=tuple(class_names),
        templates=(PLAIN_TEMPLATE,),
        ids=(file.name,),
        labels=None,
        read=lambda _: open_rgb(file, str(file)),
        variant="user",
        source=str(file),
    )
