"""Writers of miniatures in the hub's layouts: tars of images and labels, and parquet files."""

from __future__ import annotations

import tarfile
from io import BytesIO
from pathlib import Path

from zsrobust.data.readers.images import ReadRequest
from zsrobust.testing.miniature_files import official_names
from zsrobust.testing.miniature_pictures import jpeg, write_lines

AT_LEAST = 4
"""Images of a set of few classes."""


def write_webdataset(folder: Path, own_split: str, request: ReadRequest) -> None:
    """`SPLIT/0.tar` of `s0000000.jpg` and `.cls`, one image a class, and the lists beside it."""
    names = official_names(request)
    place = folder / own_split
    place.mkdir(parents=True, exist_ok=True)
    with tarfile.open(place / "0.tar", "w") as tar:
        for number in range(max(len(names), AT_LEAST)):
            _add(tar, f"s{number:07d}.jpg", jpeg(number))
            _add(tar, f"s{number:07d}.cls", str(number % len(names)).encode())
    write_lines(place / "nshards.txt", ["1"])
    write_lines(folder / "classnames.txt", names)
    write_lines(folder / "zeroshot_classification_templates.txt", ["a photo of a {c}."])


def write_caption_shards(folder: Path, own_split: str, request: ReadRequest) -> None:
    """`SPLIT/0.tar` of `s0000000.jpg` and `.txt`, two captions each."""
    place = folder / own_split
    place.mkdir(parents=True, exist_ok=True)
    with tarfile.open(place / "0.tar", "w") as tar:
        for number in range(AT_LEAST):
            _add(tar, f"s{number:07d}.jpg", jpeg(number))
            _add(tar, f"s{number:07d}.txt", f"Square {number} .\nA square .\n".encode())
    write_lines(place / "nshards.txt", ["1"])


def write_parquet(folder: Path, own_split: str, request: ReadRequest) -> None:
    """`data/SPLIT-00000-of-00001.parquet`: twelve images a class, named as the originals are."""
    import datasets
    import pyarrow as pa
    import pyarrow.parquet

    names = official_names(request)
    rows = [
        {
            "image": {"bytes": jpeg(12 * label + number), "path": f"{name}_{number}.JPEG"},
            "label": label,
        }
        for label, name in enumerate(names)
        for number in range(12)
    ]
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=names)}
    )
    place = folder / "data"
    place.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pylist(rows, schema=features.arrow_schema)
    pyarrow.parquet.write_table(table, place / f"{own_split}-00000-of-00001.parquet")


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, BytesIO(content))
