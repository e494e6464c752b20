"""A file that a dataset's owner offers for download, as an entry names it."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import urlparse

from pydantic import Field, field_validator

from zsrobust.settings import StrictModel

_DIGEST = re.compile(r"md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}")


class Archive(StrictModel):
    """One file to fetch: its address, its hash, and where it belongs.

    digest: `md5:` or `sha256:` and hex digits: without one nothing is fetched. size: in bytes,
    where known. into: the folder under the data root into which it is unpacked (a file that is no
    archive is put there). inner: the one archive within this one that is wanted. splits: our names
    of those it serves; all where None.
    """

    url: str
    digest: str
    size: int | None = Field(default=None, ge=1)
    into: str = "."
    inner: str | None = None
    splits: list[str] | None = None

    @field_validator("url")
    @classmethod
    def _of_the_web(cls, url: str) -> str:
        parts = urlparse(url)
        if parts.scheme not in ("http", "https") or not PurePosixPath(parts.path).name:
            raise ValueError(f"{url!r}: needs http:// or https:// and the name of a file")
        return url

    @field_validator("digest")
    @classmethod
    def _known_hash(cls, digest: str) -> str:
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f"{digest!r}: needs md5: and 32, or sha256: and 64 hex digits")
        return digest

    @field_validator("into", "inner")
    @classmethod
    def _inside(cls, path: str | None) -> str | None:
        if path is not None and (path.startswith("/") or ".." in PurePosixPath(path).parts):
            raise ValueError(f"{path!r}: must lie within the data root")
        return path

    @property
    def name(self) -> str:
        """The file's name, the last part of its address."""
        return PurePosixPath(urlparse(self.url).path).name
