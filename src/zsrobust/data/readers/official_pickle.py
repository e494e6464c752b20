"""What a pickle of CIFAR's holds, found by reading its opcodes: nothing in it is executed."""

from __future__ import annotations

import mmap
import pickletools
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from zsrobust.errors import DataError

_STRINGS = {"SHORT_BINSTRING", "BINSTRING", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8"}
_TEXTS = {"STRING", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"}
_NUMBERS = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1"}
_LONG = 3072
"""Bytes from which on a string holds pixels."""


@dataclass
class PickledLists:
    """The lists under the keys asked for, and where the longest array's bytes lie in the file."""

    numbers: dict[str, list[int]] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    offset: int = 0
    length: int = 0
    column_major: bool = False


def find_lists(file: Path, keys: frozenset[str]) -> PickledLists:
    """The flat lists of a pickled dictionary under `keys`, and the place of its array of bytes.

    keys: every key of the documented format: a list belongs to the last key before it. Raises
    DataError for what is no whole pickle, or holds its pixels in another form than raw bytes.
    """
    found = PickledLists()
    try:
        with file.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as m:
            _scan(m, keys, found)
    except FileNotFoundError:
        raise DataError(f"{file}: no such file. Unpack the archive again.") from None
    except (OSError, ValueError, OverflowError, struct.error) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{file}: damaged pickle ({reason}). Unpack the archive again.") from None
    return found


def _scan(handle: mmap.mmap, keys: frozenset[str], found: PickledLists) -> None:
    key, before = "", ""
    source: Any = handle  # It reads and tells, which is all that is asked of a file here.
    for operation, read, _ in pickletools.genops(source):
        name, argument = operation.name, cast(Any, read)
        if name in _STRINGS | _TEXTS:
            if len(argument) >= _LONG:
                if name in _TEXTS:
                    raise ValueError("its pixels are stored as text, not as bytes")
                found.offset, found.length = handle.tell() - len(argument), len(argument)
                found.column_major = before in ("NEWTRUE", "True")
                continue
            text = argument if isinstance(argument, str) else argument.decode("latin-1")
            if text in keys:
                key = text
            else:
                found.names.setdefault(key, []).append(text)
        elif name in _NUMBERS and not isinstance(argument, bool):
            found.numbers.setdefault(key, []).append(argument)
        before = str(argument) if isinstance(argument, bool) else name
