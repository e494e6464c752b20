"""The splits of the embedded world: disjoint ranges of scene numbers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from zsrobust.errors import DataError, UnknownNameError
from zsrobust.registry import did_you_mean

SPLITS: Mapping[str, range] = MappingProxyType(
    {
        "pretrain": range(0, 100_000),
        "train": range(100_000, 120_000),
        "val": range(120_000, 122_000),
        "test": range(122_000, 132_000),
    }
)
"""Scene numbers of each split: 100,000 / 20,000 / 2,000 / 10,000."""


def scene_ids(split: str) -> list[str]:
    """Return all ids of a split, in the order of their numbers.

    Raises UnknownNameError for a split that the scenes do not have.
    """
    return [f"scenes/{split}/{number:06d}" for number in _numbers(split)]


def check_scene_id(scene_id: str) -> None:
    """Refuse an id that names no scene.

    Raises DataError where the id is not `scenes/<split>/<six digits>` with a number of that
    split's range, UnknownNameError where there is no such split.
    """
    room, _, rest = scene_id.partition("/")
    split, _, digits = rest.partition("/")
    if room != "scenes" or len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
        raise DataError(
            f"a scene id reads scenes/<split>/<six digits>, as scenes/test/122000 does; "
            f"got {scene_id!r}."
        )
    numbers = _numbers(split)
    if int(digits) not in numbers:
        raise DataError(
            f"scene {scene_id!r} is outside its split: {split} holds the numbers "
            f"{numbers.start:06d} to {numbers.stop - 1:06d}."
        )


def _numbers(split: str) -> range:
    if split not in SPLITS:
        raise UnknownNameError(f"the scenes have no split '{split}'.{did_you_mean(split, SPLITS)}")
    return SPLITS[split]
