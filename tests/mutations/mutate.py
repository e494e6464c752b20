"""Ways in which a file gets damaged: on a disk, on the way, or by somebody who means it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

EXTREMES = (b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x00\x00\x00\x80")
WORDS = (b"NaN", b"-1", b"1e999", b"999999999999999999999", b"null", b"[]", b"{}", b"\xff\xfe", b"")


def flipped(content: bytes, random: Random) -> bytes:
    """A few bits are others."""
    changed = bytearray(content)
    for _ in range(random.randint(1, 8)):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def cut(content: bytes, random: Random) -> bytes:
    """It ends too early."""
    return content[: random.randrange(len(content))]


def without_a_piece(content: bytes, random: Random) -> bytes:
    """A piece in the middle is gone."""
    start = random.randrange(len(content))
    return content[:start] + content[start + random.randint(1, 512) :]


def with_noise(content: bytes, random: Random) -> bytes:
    """A piece of noise stands in the middle."""
    start = random.randrange(len(content))
    return content[:start] + random.randbytes(random.randint(1, 256)) + content[start:]


def with_an_extreme_number(content: bytes, random: Random) -> bytes:
    """Four bytes are the largest, the smallest or no number: sizes and offsets go wild."""
    start = random.randrange(max(1, min(len(content), 2048)))
    extreme = random.choice(EXTREMES)
    return content[:start] + extreme + content[start + len(extreme) :]


def repeated(content: bytes, random: Random) -> bytes:
    """A piece comes twice."""
    start = random.randrange(len(content))
    piece = content[start : start + random.randint(1, 1024)]
    return content[:start] + piece + piece + content[start + len(piece) :]


def with_another_word(content: bytes, random: Random) -> bytes:
    """Of a text, one word is something that nobody expects."""
    words = content.split(b" ")
    words[random.randrange(len(words))] = random.choice(WORDS)
    return b" ".join(words)


def shuffled_lines(content: bytes, random: Random) -> bytes:
    """Of a text, the lines stand in another order."""
    lines = content.split(b"\n")
    random.shuffle(lines)
    return b"\n".join(lines)


def emptied(content: bytes, random: Random) -> bytes:
    """Nothing is left."""
    return b""


Mutation = Callable[[bytes, Random], bytes]

OF_BYTES: tuple[Mutation, ...] = (
    flipped, cut, without_a_piece, with_noise, with_an_extreme_number, repeated, emptied,
)  # fmt: skip
OF_TEXT: tuple[Mutation, ...] = (*OF_BYTES, with_another_word, with_another_word, shuffled_lines)


def mutated(content: bytes, random: Random, mutations: tuple[Mutation, ...]) -> bytes:
    """`content` damaged once or twice."""
    for _ in range(random.choice((1, 1, 2))):
        content = random.choice(mutations)(content, random) if content else content
    return content
