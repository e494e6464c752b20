"""Unpacking fetched archives into the data root: all of them, or nothing."""

from __future__ import annotations

import gzip
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from zsrobust.data.archive import Archive
from zsrobust.errors import DataError

_TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


def unpack_all(fetched: Sequence[tuple[Archive, Path]], data_root: Path, staging: Path) -> None:
    """Puts the content of fetched files where their entries say, under `data_root`.

    staging: a folder on the same disk, in which everything is unpacked first; what comes of it is
    then renamed into place, beside what is there. Raises DataError where a file of that name is
    there already, or an archive cannot be unpacked.
    """
    shutil.rmtree(staging, ignore_errors=True)
    for archive, file in fetched:
        place = staging / archive.into
        place.mkdir(parents=True, exist_ok=True)
        if archive.inner is None:
            _unpack(file, place)
            continue
        outer = staging / ".outer"
        _unpack(file, outer)
        _unpack(outer / archive.inner, place)
        shutil.rmtree(outer)
    moves = list(_moves(staging, data_root))
    for _, target in moves:
        if target.exists():
            raise DataError(f"{target}: is there already. Move it away first.")
    for path, target in moves:
        path.rename(target)
    shutil.rmtree(staging)


def _moves(source: Path, target: Path) -> Iterator[tuple[Path, Path]]:
    """What to rename into what: whole folders where they are new, else what they hold."""
    for path in sorted(source.iterdir()):
        if path.is_dir() and (target / path.name).is_dir():
            yield from _moves(path, target / path.name)
        else:
            yield path, target / path.name


def _unpack(file: Path, place: Path) -> None:
    try:
        if file.name.endswith(_TARS):
            with tarfile.open(file) as tar:
                # Refuses members that would land outside, links out of the folder, and devices.
                tar.extractall(place, filter="data")
        elif file.suffix == ".zip":
            with zipfile.ZipFile(file) as archive:
                archive.extractall(place)
        elif file.suffix == ".gz":
            with gzip.open(file) as source, (place / file.stem).open("wb") as sink:
                shutil.copyfileobj(source, sink)
        else:
            shutil.copy(file, place / file.name)
    except (tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file}: cannot be unpacked ({error}).") from None
