"""As what images were shown to a model: their size and prompts, and whether two runs agree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zsrobust.report.cells import Cell

SeenAs = tuple[int | str | None, tuple[str, ...]]
_SIZES = {
    "as-released": "224 px (centre of 256)",
    "224x224": "224 px (squashed)",
    "native": "their own size",
}


def seen_as(cell: Cell) -> SeenAs:
    """Resolution and prompts of a run; None and none where it was made before headers said so."""
    return cell.header.dataset.resolution, cell.header.dataset.templates


def size_text(resolution: int | str | None) -> str:
    """A resolution in words, as "32 px"; empty where it is not known."""
    if resolution is None:
        return ""
    return _SIZES.get(str(resolution), f"{resolution} px")


def size_label(cell: Cell) -> str:
    """The size of a run's images in short, as "224 px"."""
    return size_text(cell.header.dataset.resolution).partition(" (")[0]


def disagreements(cells: Sequence[Cell]) -> list[str]:
    """Why runs of one set do not compare, a sentence a reason; nothing where they do.

    A radius means another change at another size, and other prompts are another classifier.
    """
    sizes = _by_value((size_text(cell.header.dataset.resolution), cell) for cell in cells)
    prompts = _by_value((" | ".join(cell.header.dataset.templates), cell) for cell in cells)
    said = []
    if len(sizes) > 1:
        places = [f"at {size} ({', '.join(names)})" for size, names in sizes.items()]
        said.append(f"Not comparable: seen {' and '.join(places)}.")
    if len(prompts) > 1:
        under = [", ".join(names) for names in prompts.values()]
        said.append(f"Not comparable: other prompts under {' than under '.join(under)}.")
    return said


def _by_value(pairs: Iterable[tuple[str, Cell]]) -> dict[str, list[str]]:
    """Value -> the protocols that have it, or the models where one protocol has several values."""
    known = [(value, cell) for value, cell in pairs if value]
    one_protocol = len({cell.header.protocol.name for _, cell in known}) == 1
    found: dict[str, list[str]] = {}
    for value, cell in known:
        name = cell.model if one_protocol else cell.header.protocol.name
        if name not in found.setdefault(value, []):
            found[value].append(name)
    return found
