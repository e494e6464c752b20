"""Looking through one tar before it is read: damage that `datasets` would pass over in silence."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

from zsrobust.errors import DataError

IMAGE_SUFFIXES = ("jpg", "jpeg", "png", "webp")
_END_OF_ARCHIVE = 1024
"""Bytes of zeros that close a tar; one cut off between two members lacks them."""

_SAMPLE = re.compile(r"(?P<key>(?:.*/)?[^./][^/]*)\.(?P<suffix>[^./]+)")
"""`folder/key.suffix`; names that begin with a dot are no samples."""


def check_shard(shard: Path, beside: str = "cls") -> str:
    """The suffix of the shard's images, once its samples are sound.

    Each sample must be one image and what stands `beside` it: a whole number in `.cls`, or captions
    in `.txt`, side by side, under a key without dots (samples whose keys have dots merge). Raises
    DataError naming shard and member.
    """
    images: dict[str, str] = {}
    told: set[str] = set()
    what, check = _BESIDE[beside]
    for key, suffix, content in _samples(shard, beside):
        if suffix.lower() in IMAGE_SUFFIXES:
            if key in images:
                raise DataError(f"{shard}: sample '{key}' has two images.")
            images[key] = suffix
        elif suffix == beside:
            check(shard, key, content)
            told.add(key)
    if not images:
        raise DataError(f"{shard}: holds no images ({', '.join(IMAGE_SUFFIXES)}).")
    if not told:
        raise DataError(f"{shard}: holds no {what}s (.{beside} files beside the images).")
    for key in sorted(images.keys() ^ told):
        missing = f"{what} (.{beside})" if key in images else "image"
        raise DataError(f"{shard}: sample '{key}' has no {missing}.")
    suffixes = sorted(set(images.values()))
    if len(suffixes) > 1:
        raise DataError(
            f"{shard}: mixes .{' and .'.join(suffixes)} images: only one kind would be read. "
            "Give all images of the set the same suffix."
        )
    return suffixes[0]


def _samples(shard: Path, beside: str) -> list[tuple[str, str, bytes]]:
    """Key, suffix and (of what stands `beside` alone) content of every member of a sample."""
    try:
        with tarfile.open(shard, "r:") as tar:
            entries = [entry for entry in tar.getmembers() if entry.isfile()]
            found = [_SAMPLE.fullmatch(entry.name) for entry in entries]
            samples = [
                (match["key"], match["suffix"], _content(tar, entry, f".{beside}"))
                for entry, match in zip(entries, found, strict=True)
                if match is not None
            ]
    except (tarfile.TarError, OSError, EOFError) as error:
        raise DataError(f"{shard}: damaged tar ({error}). Fetch this file again.") from None
    end = max((entry.offset_data + entry.size for entry in entries), default=0)
    if shard.stat().st_size < end + _END_OF_ARCHIVE:
        raise DataError(f"{shard}: damaged tar (it ends too early). Fetch this file again.")
    for key, suffix, _ in samples:
        if "." in Path(key).name:
            raise DataError(
                f"{shard}: member '{key}.{suffix}' has a dot in its key: such samples merge. "
                f"Rename it without dots before .{suffix}."
            )
    _check_neighbours(shard, [key for key, _, _ in samples])
    return samples


def _check_neighbours(shard: Path, keys: list[str]) -> None:
    """Refuses a sample whose members do not stand side by side: it would be read as two."""
    finished: set[str] = set()
    for previous, key in zip(["", *keys], keys, strict=False):
        if key != previous:
            finished.add(previous)
        if key in finished:
            raise DataError(
                f"{shard}: the members of sample '{key}' do not stand side by side, or its key "
                "comes twice. Pack the tar sorted by name."
            )


def _content(tar: tarfile.TarFile, entry: tarfile.TarInfo, ending: str) -> bytes:
    if not entry.name.endswith(ending):
        return b""
    member = tar.extractfile(entry)
    return b"" if member is None else member.read()


def _check_label(shard: Path, key: str, content: bytes) -> None:
    if not re.fullmatch(rb"-?[0-9]+", content.strip()):
        raise DataError(
            f"{shard}: sample '{key}': its .cls reads {content[:20]!r}; it must be the whole "
            "number of its class, counted from 0."
        )


def _check_captions(shard: Path, key: str, content: bytes) -> None:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise DataError(f"{shard}: sample '{key}': its .txt is not UTF-8.") from None
    if not text.strip():
        raise DataError(f"{shard}: sample '{key}': its .txt is empty. Write a caption a line.")


_BESIDE = {"cls": ("label", _check_label), "txt": ("caption", _check_captions)}
"""Suffix of what stands beside an image -> what it is, and what checks it."""
