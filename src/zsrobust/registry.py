"""Names to things: the one kind of registry, used by every room's `catalogue.py`."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from zsrobust.errors import UnknownNameError

T = TypeVar("T")
_SHORT_LIST = 16


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The tail of an error message: the nearest known name, or the whole list where it is short.

    >>> did_you_mean("pdg", ["pgd", "square"])
    " Did you mean 'pgd'?"
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f" Did you mean '{near[0]}'?"
    return f" Known: {', '.join(names)}." if 0 < len(names) <= _SHORT_LIST else ""


@dataclass(frozen=True)
class Registry(Mapping[str, T], Generic[T]):
    """An explicit table of names, each a lazy target `"package.module:object"` or the thing itself.

    kind: the word error messages use ("attack"). see: the command that lists the names.
    Looking a name up imports its module; an unknown name raises `UnknownNameError`.
    """

    kind: str
    entries: Mapping[str, str | T]
    see: str = ""

    def __getitem__(self, name: str) -> T:
        """The thing behind `name`; raises `UnknownNameError` with the nearest known name."""
        if name not in self.entries:
            see = f" See: {self.see}" if self.see else ""
            raise UnknownNameError(
                f"Unknown {self.kind} '{name}'.{did_you_mean(name, self.entries)}{see}"
            )
        entry = self.entries[name]
        if not isinstance(entry, str):
            return entry
        module, _, attribute = entry.partition(":")
        thing: Any = getattr(importlib.import_module(module), attribute)
        return cast(T, thing)

    def __iter__(self) -> Iterator[str]:
        """The names, in the order in which the catalogue lists them."""
        return iter(self.entries)

    def __len__(self) -> int:
        """How many names there are."""
        return len(self.entries)

    def __contains__(self, name: object) -> bool:
        """Whether `name` is known."""
        return name in self.entries
