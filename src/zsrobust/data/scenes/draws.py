"""Random draws that are a pure function of a scene's id, equal on every machine.

The bytes of SHAKE-256 over the id and a purpose are the generator: it is specified bit for bit
(FIPS 202), so neither a library's version nor the platform can change a scene.
"""

from __future__ import annotations

import struct
from hashlib import shake_256

_UNIT = 2.0**-53


def draw_bytes(scene_id: str, purpose: str, count: int) -> bytes:
    """Return `count` random bytes for one use within one scene."""
    return shake_256(f"{scene_id}#{purpose}".encode()).digest(count)


def draw_fractions(scene_id: str, purpose: str, count: int) -> list[float]:
    """Return `count` numbers in [0, 1), multiples of 2^-53, for one use within one scene."""
    words = struct.unpack(f"<{count}Q", draw_bytes(scene_id, purpose, 8 * count))
    return [(word >> 11) * _UNIT for word in words]
