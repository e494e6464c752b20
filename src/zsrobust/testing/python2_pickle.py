"""Pickles as Python 2 wrote them, which is what CIFAR's owner distributes."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import numpy as np

Value = int | str | Sequence[int] | Sequence[str] | np.ndarray


def python2_pickle(content: Mapping[str, Value]) -> bytes:
    """A dictionary of numbers, texts, flat lists and uint8 arrays (n, k), in protocol 2.

    Texts and arrays' bytes become Python 2's byte strings, as Python 3 no longer writes them.
    """
    body = b"".join(_text(key) + _value(value) for key, value in content.items())
    return b"\x80\x02}(" + body + b"u."


def _value(value: Value) -> bytes:
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        return _number(value)
    return b"](" + b"".join(_value(item) for item in value) + b"e"


def _text(text: str) -> bytes:
    content = text.encode()
    return b"U" + struct.pack("<B", len(content)) + content


def _number(number: int) -> bytes:
    return b"J" + struct.pack("<i", number)


def _array(array: np.ndarray) -> bytes:
    raw = np.ascontiguousarray(array, dtype=np.uint8).tobytes()
    empty = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
    shape = b"(" + b"".join(_number(side) for side in array.shape) + b"t"
    of_bytes = (
        b"cnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff"
    )
    kind = of_bytes + b"K\x00tb"
    return empty + b"(K\x01" + shape + kind + b"\x89T" + struct.pack("<I", len(raw)) + raw + b"tb"
