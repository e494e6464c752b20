"""ImageNet's classes and their WordNet hypernyms: the names that `photos-mini` learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

WORDNET = Path("/usr/share/wordnet/data.noun")
"""Debian's package `wordnet-base`."""


@dataclass(frozen=True)
class Synset:
    """A WordNet noun sense: its id (`n02084071`), its words, the ids of its hypernyms."""

    wnid: str
    words: tuple[str, ...]
    hypernyms: tuple[str, ...]


def read_wordnet(path: Path = WORDNET) -> dict[str, Synset]:
    """All noun senses by id."""
    senses = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith(" "):
            continue
        fields = line.split(" | ")[0].split()
        count = int(fields[3], 16)
        words = tuple(fields[4 + 2 * i].replace("_", " ") for i in range(count))
        start = 5 + 2 * count
        pointers = fields[start : start + 4 * int(fields[4 + 2 * count])]
        above = tuple(
            f"n{pointers[i + 1]}"
            for i in range(0, len(pointers), 4)
            if pointers[i] in ("@", "@i") and pointers[i + 2] == "n"
        )
        senses[f"n{fields[0]}"] = Synset(f"n{fields[0]}", words, above)
    return senses


def ancestors(wnid: str, senses: dict[str, Synset]) -> dict[str, int]:
    """Every hypernym above a sense, with its distance; the sense itself at 0."""
    found, frontier = {wnid: 0}, [wnid]
    while frontier:
        below = frontier.pop(0)
        for above in senses[below].hypernyms:
            if above not in found:
                found[above] = found[below] + 1
                frontier.append(above)
    return found


@dataclass(frozen=True)
class Cut:
    """A partition of the 1,000 classes under hypernyms: `nodes`, and the node of each class."""

    nodes: tuple[str, ...]
    of_class: np.ndarray


_EVERYDAY = """
dog cat bird frog horse fish snake lizard turtle spider insect monkey bear whale rabbit
fox wolf antelope sheep elephant crab butterfly airplane ship boat truck car bus train
bicycle bottle chair sofa table lamp clock hat dress shirt shoe bag ball gun guitar piano
drum knife house bridge tower church dam fence fountain fruit vegetable bread flower
mushroom mountain beach cup bowl computer telephone camera
"""
BASIC_LEVEL = tuple(_EVERYDAY.split())
"""Everyday words at the level at which people name things."""


def cuts(wnids: Sequence[str], senses: dict[str, Synset], depths: Sequence[int]) -> list[Cut]:
    """Partitions at several depths below the root, and one at the level of everyday words.

    A class that lies above a cut, or under none of its words, stands for itself.
    """
    parts = []
    paths = [_path_from_root(wnid, senses) for wnid in wnids]
    for depth in depths:
        parts.append(_cut([path[min(depth, len(path) - 1)] for path in paths]))
    everyday = {word: i for i, word in enumerate(BASIC_LEVEL)}
    chosen = []
    for wnid in wnids:
        above = sorted(ancestors(wnid, senses).items(), key=lambda item: item[1])
        named = [node for node, _ in above if set(senses[node].words) & everyday.keys()]
        chosen.append(named[0] if named else wnid)
    return [*parts, _cut(chosen)]


def _path_from_root(wnid: str, senses: dict[str, Synset]) -> list[str]:
    path = [wnid]
    while senses[path[-1]].hypernyms:
        path.append(senses[path[-1]].hypernyms[0])
    return path[::-1]


def _cut(nodes: Sequence[str]) -> Cut:
    distinct = tuple(sorted(set(nodes)))
    place = {node: i for i, node in enumerate(distinct)}
    return Cut(distinct, np.array([place[node] for node in nodes]))
