"""How fast images are read, how much of an archive is touched, and what memory an evaluation takes.

python benchmarks/data_reading.py --data-root DIR

DIR holds `wds_cifar10`, `wds_tinyimagenet` and `tinyimagenet`. Each figure is measured in a process
of its own with one thread. Prints a table with the bars, and exits 1 where one is missed. The
memory of `evaluate` is measured on images made here: 100,000 of 64 px, in a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SETS = (("cifar10", "test"), ("tinyimagenet", "test"))
ARCHIVE = ("tinyimagenet", "train")
FEW, MANY = 1_000, 100_000
_LEAST_RATE = 2_000
_MOST_GROWTH = 200
_A_SHARD = 20_000


@dataclass(frozen=True)
class Line:
    """A figure, its bar and whether it is kept."""

    what: str
    measured: str
    bar: str
    kept: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the table; the exit code says whether every bar is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", default=os.environ.get("ZSROBUST_DATA_ROOT"), required=False)
    parser.add_argument("--images", type=int, default=MANY, help="For the memory of `evaluate`.")
    options = parser.parse_args(arguments)
    if not options.data_root:
        parser.error("--data-root DIR, or ZSROBUST_DATA_ROOT")
    lines = [*rates(options.data_root), accesses(options.data_root), growth(options.images)]
    print("| what | measured | bar | |\n|---|---|---|---|")
    for line in lines:
        verdict = "kept" if line.kept else "missed"
        print(f"| {line.what} | {line.measured} | {line.bar} | {verdict} |")
    return 0 if all(line.kept for line in lines) else 1


def rates(data_root: str) -> Iterator[Line]:
    """Decoded images a second of one core."""
    for name, split in SETS:
        found = measured("rate", name, split, data_root)
        yield Line(
            f"`{name}`, {found['images']:,} images to 64 px, one core",
            f"{found['a_cpu_second']:,.0f} images a CPU second ({found['a_second']:,.0f} by clock)",
            f"{_LEAST_RATE:,}",
            found["a_cpu_second"] >= _LEAST_RATE,
        )


def accesses(data_root: str) -> Line:
    """What random accesses fetch of an archive, its pages being out of memory before them.

    The archive lies in a folder of its own: pages that another process maps would stay.
    """
    name, split = ARCHIVE
    with tempfile.TemporaryDirectory() as place:
        cache = {"HF_DATASETS_CACHE": place}
        # The first process writes the archive, the second one finds it.
        _, found = (measured("access", name, split, data_root, **cache) for _ in range(2))
    fetched, before, after, archive = (
        found[key] / 1e6 for key in ("fetched", "before", "after", "archive")
    )
    return Line(
        f"`{name}` {split}, 1,000 random accesses among {found['images']:,}",
        f"{fetched:.1f} MB fetched of {archive:.1f} MB (in memory: {before:.1f} before, "
        f"{after:.1f} after)",
        "not the whole archive",
        max(fetched, after) < archive / 2,
    )


def growth(many: int) -> Line:
    """Growth of anonymous memory of `evaluate` from few images to many."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "squares"
        write_squares(folder / "data", many)
        cache = {"HF_DATASETS_CACHE": str(Path(place) / "cache")}
        # The first process copies the archive into the cache, which takes memory of its own.
        _, few, lot = (
            measured("memory", f"hf:{folder}", str(count), **cache) for count in (FEW, FEW, many)
        )
    grown = lot["peak"] - few["peak"]
    return Line(
        f"`evaluate`, protocol `clean`, 64 px: RssAnon from {few['images']:,} to {lot['images']:,}",
        f"peak {few['peak']:.0f} to {lot['peak']:.0f} MB, growth {grown:.0f} MB "
        f"(at the end {few['after']:.0f} to {lot['after']:.0f} MB)",
        f"< {_MOST_GROWTH} MB",
        grown < _MOST_GROWTH,
    )


def write_squares(place: Path, count: int) -> None:
    """Parquet files of `count` plain squares of 64 px with one spot, as the hub lays them out."""
    import datasets
    import pyarrow as pa
    from pyarrow import parquet

    place.mkdir(parents=True)
    label = datasets.ClassLabel(names=[f"colour {number}" for number in range(10)])
    features = datasets.Features({"image": datasets.Image(), "label": label})
    squares = [_square(number) for number in range(500)]
    for shard, start in enumerate(range(0, count, _A_SHARD)):
        rows = [
            {"image": {"bytes": squares[row % 500], "path": f"{row}.png"}, "label": row % 10}
            for row in range(start, min(start + _A_SHARD, count))
        ]
        table = pa.Table.from_pylist(rows, schema=features.arrow_schema)
        parquet.write_table(table, place / f"test-{shard:03d}.parquet")


def _square(number: int) -> bytes:
    draw = np.random.default_rng(number)
    pixels = np.full((64, 64, 3), draw.integers(0, 255, 3), dtype=np.uint8)
    pixels[10 : 10 + number % 40, 20:30] = draw.integers(0, 255, 3)
    sink = BytesIO()
    Image.fromarray(pixels).save(sink, "PNG")
    return sink.getvalue()


def measured(what: str, *arguments: str, **environment: str) -> dict[str, Any]:
    """What `reading_measures.py` prints, run in a process of its own with one thread."""
    script = Path(__file__).with_name("reading_measures.py")
    settings = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, str(script), what, *arguments],
        env={**os.environ, **settings, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    sys.exit(main())
