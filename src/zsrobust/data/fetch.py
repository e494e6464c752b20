"""Fetching one file over HTTP: resumed where it stopped, and kept only with the right hash."""

from __future__ import annotations

import hashlib
import http.client
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from zsrobust.data.archive import Archive
from zsrobust.errors import DataError, RunError

Progress = Callable[[int, int | None], None]
"""(bytes there, bytes in all where known), as they come."""

_CHUNK = 1 << 20
_PATIENCE_S = 60


def fetch(archive: Archive, folder: Path, progress: Progress) -> Path:
    """The archive's file in `folder`, its hash verified.

    Bytes gather in `NAME.part`, where the next call continues if this one is cut off; the file gets
    its name only once its hash is right. Raises RunError where the connection fails or breaks off,
    DataError for a wrong hash (the `.part` is kept) or a disk too full.
    """
    target, part = folder / archive.name, folder / f"{archive.name}.part"
    if target.is_file():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    total = _receive(archive, part, progress)
    size = part.stat().st_size
    if total is not None and size < total:
        raise RunError(
            f"{archive.url}: the connection broke off at {size:,} of {total:,} bytes. "
            "The same command continues there."
        )
    _verify(archive, part)
    part.rename(target)
    return target


def size_of(archive: Archive) -> int | None:
    """The size in bytes: the entry's, or else what the server says; None where neither does."""
    if archive.size is not None:
        return archive.size
    try:
        with _answer(archive.url, {}, "HEAD") as answer:
            return _length(answer)
    except (RunError, urllib.error.HTTPError):
        return None


def _receive(archive: Archive, part: Path, progress: Progress) -> int | None:
    """Appends what is missing of `part`; the size the whole should have, where it is known."""
    there = part.stat().st_size if part.is_file() else 0
    try:
        answer = _answer(archive.url, {"Range": f"bytes={there}-"} if there else {}, "GET")
    except urllib.error.HTTPError as error:
        if there and error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return None  # Nothing is missing; the hash says whether it is right.
        raise RunError(f"{archive.url}: the server answers {error.code} {error.reason}.") from None
    with answer:
        if answer.status != HTTPStatus.PARTIAL_CONTENT:
            there = 0  # The server knows no ranges: it sends the whole again.
        length = _length(answer)
        total = None if length is None else there + length
        _check_room(part.parent, length, archive)
        with part.open("ab" if there else "wb") as sink:
            _copy(answer, sink, there, total, archive, progress)
    return total


def _copy(
    answer: Any, sink: Any, there: int, total: int | None, archive: Archive, progress: Progress
) -> None:
    progress(there, total)
    try:
        while chunk := answer.read(_CHUNK):
            sink.write(chunk)
            there += len(chunk)
            progress(there, total)
    except (OSError, http.client.HTTPException) as error:
        raise RunError(
            f"{archive.url}: broke off at {there:,} bytes ({error}). "
            "The same command continues there."
        ) from None


def _answer(url: str, headers: dict[str, str], method: str) -> Any:
    request = urllib.request.Request(url, headers=headers, method=method)
    try:
        return urllib.request.urlopen(request, timeout=_PATIENCE_S)
    except urllib.error.HTTPError:
        raise
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise RunError(f"{url}: cannot be reached ({reason}). Try again later.") from None


def _length(answer: Any) -> int | None:
    text = answer.headers.get("Content-Length")
    return int(text) if text and text.isdigit() else None


def _check_room(folder: Path, needed: int | None, archive: Archive) -> None:
    free = shutil.disk_usage(folder).free
    if needed is not None and needed > free:
        raise DataError(
            f"{folder}: {free:,} bytes are free; {archive.name} needs {needed:,} more. Make room."
        )


def _verify(archive: Archive, part: Path) -> None:
    algorithm, _, expected = archive.digest.partition(":")
    with part.open("rb") as source:
        found = hashlib.file_digest(source, algorithm).hexdigest()
    if found != expected:
        raise DataError(
            f"{part}: its {algorithm} is {found}; {archive.url} should give {expected}. It is not "
            "used. Remove it to fetch it anew, or look into it: the owner may have changed the set."
        )
