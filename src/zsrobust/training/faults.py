"""Faults of a setting that a room below finds, as pydantic gathers them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from zsrobust.errors import InputError


@contextmanager
def faults_of(key: str) -> Iterator[None]:
    """Hands what the room below refuses to pydantic, which gathers every fault with its key."""
    try:
        yield
    except InputError as error:
        raise ValueError(str(error).removeprefix(key).lstrip(" =:")) from None
