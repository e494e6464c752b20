"""A training's log: `log.jsonl`, one JSON a step, each step once."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from zsrobust.records.atomic import write_text

FILE_NAME = "log.jsonl"


@dataclass(frozen=True)
class LogLine:
    """What a step did: 0-based `step`, its rate, its loss.

    terms: the loss terms by name, weights included; they sum to `total`. images_per_second: of
    the whole step, reading and attack included. passes: of an image through image towers in this
    step, frozen ones and the attack's included: `forwards`; `input_backwards`, which reach the
    pixels alone; `full_backwards`, which reach the first layer's weights too; `partial_backwards`,
    which end inside the tower, where the layers before are frozen.
    """

    step: int
    lr: float
    terms: dict[str, float]
    total: float
    images_per_second: float
    passes: dict[str, float] = field(default_factory=dict)


def append_line(out: Path, line: LogLine) -> None:
    """Adds a step to the log."""
    with (out / FILE_NAME).open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(line)) + "\n")


def logged_steps(out: Path) -> int:
    """How many steps the log has, 0 where there is none."""
    path = out / FILE_NAME
    if not path.is_file():
        return 0
    return path.read_bytes().count(b"\n")


def cut_log(out: Path, step: int) -> None:
    """Drops what was logged at or after `step`, and a line that a kill left half-written."""
    keep_before(out / FILE_NAME, step)


def keep_before(path: Path, step: int) -> None:
    """Rewrites a file of JSON lines without those from `step` on; an absent one is left so."""
    if not path.exists():
        return
    kept = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            if json.loads(text)["step"] < step:
                kept.append(text + "\n")
        except ValueError:
            break
    write_text(path, "".join(kept))
