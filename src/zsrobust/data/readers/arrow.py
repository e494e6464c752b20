"""Opening files through HF `datasets`, with errors that name the file."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from zsrobust.data.readers.decode import open_rgb
from zsrobust.data.readers.mapped import image_cells
from zsrobust.errors import DataError, UnreadableImageError


def open_table(builder: str, files: Sequence[Path]) -> Any:
    """A memory-mapped table of all files, in order; raises DataError naming the file at fault.

    `datasets` copies archives once into its own cache (HF_DATASETS_CACHE).
    """
    import datasets

    try:
        with _without_bars():
            return datasets.load_dataset(
                builder, data_files=[str(file) for file in files], split="train"
            )
    except Exception as error:
        raise _explained(error, builder, files) from None


def open_hub(name: str, config: str | None) -> Mapping[str, Any]:
    """The splits of a dataset of the hub, or of a folder in one of its layouts, memory-mapped.

    What is not in the cache is downloaded, with progress. Raises DataError with the reason.
    """
    import datasets

    folder = Path(name).expanduser()
    try:
        if folder.is_dir():
            with _without_bars():
                return dict(datasets.load_dataset(str(folder), config))
        return dict(datasets.load_dataset(name, config))
    except Exception as error:
        reason = _reason(error).rstrip(".")
        hint = (
            "Is it in a layout of the hub (class folders, parquet, a metadata.csv)?"
            if folder.is_dir()
            else "Check the name and the network, or fetch it elsewhere and give its folder: "
            "hf:./FOLDER."
        )
        raise DataError(f"hf:{name}: cannot be read ({reason}). {hint}") from None


@contextmanager
def _without_bars() -> Iterator[None]:
    """No progress bars inside: what is local needs none."""
    import datasets

    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()


def image_reader(
    table: Any, column: str, name_of: Callable[[int], str]
) -> Callable[[int], Image.Image]:
    """Row -> RGB picture of a table's undecoded image column.

    name_of: what an error calls the image of a row. Raises DataError for an undecodable image.
    """
    cell_of = image_cells(table, column)

    def read(row: int) -> Image.Image:
        cell = cell_of(row)
        if cell is None or (cell["bytes"] is None and not cell["path"]):
            raise UnreadableImageError(f"{name_of(row)}: has no image.")
        if cell["bytes"] is None:
            # Folders in the hub's layouts: the table holds paths alone.
            return open_rgb(Path(cell["path"]), f"{name_of(row)}: {cell['path']}")
        return open_rgb(BytesIO(cell["bytes"]), name_of(row))

    return read


def _explained(error: Exception, builder: str, files: Sequence[Path]) -> DataError:
    cause, reason = error.__cause__ or error, _reason(error)
    if _is_of_cache(cause, files):
        return DataError(
            f"{files[0].parent}: cannot be read through the cache of `datasets` ({reason}). "
            "Make room, or set HF_DATASETS_CACHE to a folder that can be written."
        )
    fault = _file_at_fault(builder, files) if len(files) > 1 else files[0]
    return DataError(f"{fault}: cannot be read ({reason}). Fetch this file again.")


def _reason(error: Exception) -> str:
    """The first line of what went wrong beneath, or its kind where it says nothing."""
    cause = error.__cause__ or error
    return str(cause).splitlines()[0] if str(cause) else type(cause).__name__


def _is_of_cache(cause: BaseException, files: Sequence[Path]) -> bool:
    """Whether a fault is of a full disk, or of a file that is none of those to be read."""
    if not isinstance(cause, OSError):
        return False
    if cause.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return cause.filename is not None and Path(str(cause.filename)) not in files


def _file_at_fault(builder: str, files: Sequence[Path]) -> Path:
    """The first file that cannot be opened alone."""
    for file in files:
        try:
            open_table(builder, [file])
        except DataError:
            return file
    return files[0]
