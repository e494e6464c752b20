"""One figure on reading images, measured in a process of its own: what `data_reading.py` calls.

python benchmarks/reading_measures.py rate|access|memory ... prints one JSON object.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

SIDE = 64
ACCESSES = 1000
_PASSES = 3
_BLOCK = 256


def rate(name: str, split: str, data_root: str) -> dict[str, float]:
    """Images a second of CPU time and of wall time, decoded and brought to 64 px: the best pass."""
    from zsrobust.data.catalogue import load_dataset
    from zsrobust.data.pixels import read_pixels

    dataset = load_dataset(name, split=split, data_root=data_root).first(4000)
    spent = []
    for _ in range(_PASSES):
        cpu, wall = time.process_time(), time.perf_counter()
        for start in range(0, len(dataset), _BLOCK):
            read_pixels(dataset, range(start, min(start + _BLOCK, len(dataset))), SIDE)
        spent.append((time.process_time() - cpu, time.perf_counter() - wall))
    n = len(dataset)
    return {
        "images": n,
        "a_cpu_second": n / min(each[0] for each in spent),
        "a_second": n / min(each[1] for each in spent),
    }


def access(name: str, split: str, data_root: str) -> dict[str, float]:
    """What random accesses have fetched from the disk, and of an archive is in memory after them.

    Opening the set passes by every batch of rows, and the system reads ahead; so its pages are put
    out of memory first, but for those that are mapped already.
    """
    from zsrobust.data.catalogue import load_dataset

    dataset = load_dataset(name, split=split, data_root=data_root)
    files = mapped_files()
    for file in files:
        forget(file)
    before, begun = sum(map(resident, files)), bytes_read()
    draw = random.Random(0)
    for position in draw.sample(range(len(dataset)), min(ACCESSES, len(dataset))):
        dataset.read(position)
    return {
        "images": len(dataset),
        "fetched": bytes_read() - begun,
        "before": before,
        "after": sum(map(resident, files)),
        "archive": sum(file.stat().st_size for file in files),
    }


def memory(dataset: str, limit: str) -> dict[str, float]:
    """Anonymous memory in MB after `evaluate` with protocol `clean` at 64 px, and its peak."""
    import torch

    from zsrobust.evaluation.evaluate import evaluate
    from zsrobust.testing.tiny_clip import tiny_clip

    torch.set_num_threads(1)
    with _Watched() as watched, tempfile.TemporaryDirectory() as out:
        run = evaluate(
            tiny_clip(), dataset, "clean", out, limit=int(limit),
            device="cpu", overrides=(f"resolution={SIDE}",),
        )  # fmt: skip
    assert run.summary is not None
    return {"images": run.summary.n, "after": anonymous(), "peak": watched.peak}


def bytes_read() -> int:
    """Bytes this process has had fetched from the disk, pages of mapped files included."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("read_bytes"))


def anonymous() -> float:
    """Anonymous memory of this process, in MB: what no file backs."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024


def mapped_files() -> list[Path]:
    """The Arrow files that this process has mapped."""
    lines = Path("/proc/self/maps").read_text().splitlines()
    return sorted({Path(line.split(maxsplit=5)[5]) for line in lines if line.endswith(".arrow")})


def forget(file: Path) -> None:
    """Puts a file's pages out of memory, so that what is read again is counted."""
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)


def resident(file: Path) -> int:
    """Bytes of a file that are in memory, as the system call `mincore` tells."""
    with file.open("rb") as handle, mmap.mmap(handle.fileno(), 0, mmap.MAP_PRIVATE) as mapped:
        pages = (ctypes.c_ubyte * -(-len(mapped) // mmap.PAGESIZE))()
        start = ctypes.c_char.from_buffer(mapped)
        call = ctypes.CDLL(None, use_errno=True).mincore
        call(ctypes.byref(start), ctypes.c_size_t(len(mapped)), pages)
        del start
        return sum(page & 1 for page in pages) * mmap.PAGESIZE


class _Watched:
    """The peak of anonymous memory, looked at fifty times a second."""

    def __init__(self) -> None:
        self.peak = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._over.wait(0.02):
            self.peak = max(self.peak, anonymous())

    def __enter__(self) -> _Watched:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


if __name__ == "__main__":
    measures = {"rate": rate, "access": access, "memory": memory}
    print(json.dumps(measures[sys.argv[1]](*sys.argv[2:])))
