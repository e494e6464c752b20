"""The tables of `training_step.py`: against the releases, and objectives among themselves."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markdown_table import markdown_table
from training_cells import CLOSE, Cell

AGAINST = (
    "model", "objective", "released s (image + text)", "ours s", "faster", "bar", "image alone",
    "peak MiB (released, ours)", "cost in F (released, ours, least)", "losses apart", "holds",
)  # fmt: skip
AMONG = (
    "model", "objective", "trained part", "s a step", "to TeCoA", "in the paper", "peak MiB",
    "forwards", "backwards to pixels", "to weights", "cost in F", "trained parameters",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A measured cell. sides: by name, what `training_side.py` wrote."""

    cell: Cell
    sides: Mapping[str, Mapping[str, Any]]

    def seconds(self, side: str = "ours") -> float:
        """Median of the timed steps."""
        return float(statistics.median(self.sides[side]["seconds"]))

    @property
    def against(self) -> bool:
        """Whether the released step was measured as well."""
        return "released" in self.sides

    @property
    def image_seconds(self) -> float:
        """Of the released step without its text."""
        return self.seconds("released-image" if "released-image" in self.sides else "released")

    @property
    def faster(self) -> float:
        """The released step over ours."""
        return self.seconds("released") / self.seconds()

    @property
    def apart(self) -> float:
        """The largest difference of the two sides' losses, over all steps."""
        pairs = zip(self.sides["released"]["losses"], self.sides["ours"]["losses"], strict=True)
        return float(max(abs(one - other) for one, other in pairs))

    @property
    def missed(self) -> list[str]:
        """Which of the bars are missed: losses, speed."""
        if not self.against:
            return []
        missed = [] if self.apart <= CLOSE else ["losses"]
        if self.cell.bar is not None and self.faster < self.cell.bar:
            missed.append("speed")
        return missed

    def cost(self, side: str = "ours") -> float:
        """Forwards' worth of a step for each image: to pixels 1, to weights 2."""
        passes = self.sides[side]["passes"]
        whole: float = passes["forwards"] + passes["input_backwards"] + 2 * passes["full_backwards"]
        return whole


def table(rows: Sequence[Row]) -> str:
    """Markdown: both tables and how to read them."""
    against = [row for row in rows if row.against]
    parts = []
    if against:
        parts += [*markdown_table(AGAINST, [_against(row) for row in against]), ""]
    parts += markdown_table(AMONG, [_among(row, _tecoa(row, rows)) for row in rows])
    return "\n".join([*parts, "", *_notes(rows)]) + "\n"


def _tecoa(row: Row, rows: Sequence[Row]) -> Row | None:
    """TeCoA on the whole tower of the same model, where it was measured."""
    model = row.cell.setup.name
    named = (each for each in rows if each.cell.setup.name == model)
    return next((each for each in named if each.cell.case.name == "tecoa"), None)


def _against(row: Row) -> list[str]:
    image, whole = row.image_seconds, row.seconds("released")
    peaks = row.sides["released"]["peak_mib"], row.sides["ours"]["peak_mib"]
    return [
        row.cell.setup.name,
        row.cell.case.name,
        f"{whole:.2f} ({image:.2f} + {max(whole - image, 0):.2f})",
        f"{row.seconds():.2f}",
        f"**{row.faster:.2f}x**",
        f"{row.cell.bar:.1f}x" if row.cell.bar else "–",
        f"{image / row.seconds():.2f}x",
        f"{_whole(peaks[0])}, {_whole(peaks[1])}",
        f"{row.cost('released'):.0f}, {row.cost():.0f}, {row.cell.case.least}",
        f"{row.apart:.0e}",
        "no: " + ", ".join(row.missed) if row.missed else "yes",
    ]


def _among(row: Row, tecoa: Row | None) -> list[str]:
    case, found = row.cell.case, row.sides["ours"]
    passes, objective = found["passes"], case.name.partition("--")[0]
    part = case.name.partition("--")[2] or "tower"
    to_tecoa = "–" if tecoa is None else f"{row.seconds() / tecoa.seconds():.2f}"
    paper = "–"
    if case.paper is not None and tecoa is not None and tecoa.cell.case.paper is not None:
        paper = f"{case.paper / tecoa.cell.case.paper:.2f} ({case.paper:.2f} s)"
    return [
        row.cell.setup.name,
        objective,
        part,
        f"{row.seconds():.2f}",
        to_tecoa,
        paper,
        _whole(found["peak_mib"]),
        f"{passes['forwards']:.0f}",
        f"{passes['input_backwards']:.0f}",
        _to_weights(passes),
        "–" if passes["partial_backwards"] else f"{row.cost():.0f}",
        f"{found['trained']:,}",
    ]


def _to_weights(passes: Mapping[str, float]) -> str:
    full, partial = passes["full_backwards"], passes["partial_backwards"]
    if not partial:
        return f"{full:.0f}"
    return f"{full:.0f} + {partial:.0f} partial" if full else f"{partial:.0f} partial"


def _notes(rows: Sequence[Row]) -> list[str]:
    texts = {row.cell.setup.name: row.sides["ours"]["text_seconds"] for row in reversed(rows)}
    once = ", ".join(f"{seconds:.2f} s for {name}" for name, seconds in reversed(texts.items()))
    return [
        "Seconds: medians of the steps after the first, reading of the images included; the inner "
        "attack is PGD-2 at 1/255 for all (FARE, LORE and Sim-CLIP publish 10 steps), none for "
        f"ft-clean. Ours encodes the prompts once a run: {once}. Released text: the step less "
        "the same with the texts given. Peak: beyond the loaded model, copies of it included.",
        "",
        "F: a forward of one image; a backward to the pixels costs 1, one to the weights 2. Least: "
        "section 7 of the methods, in the first epoch; from the second on what the frozen model "
        "says is kept (`tga-zsr-later-epochs`). LORE updates five times a batch. A backward that "
        "ends inside the tower, at the part that is trained, is partial; its cost is not stated.",
        "",
        "In the paper: TGA-ZSR, table 8, seconds of a batch of 128 on an RTX 3090, as the release "
        "executes it, over TeCoA's. Not measured here.",
    ]


def _whole(number: float | None) -> str:
    return "–" if number is None else f"{number:.0f}"
