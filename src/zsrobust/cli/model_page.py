"""How `zsrobust models show` looks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from zsrobust.models.card import Card
    from zsrobust.models.catalogue import Licences, Location, ModelEntry, Published
    from zsrobust.models.describe import Anatomy, Description

UNKNOWN = "not known"
CLEAN = "clean"
_ACTIVATIONS = {"quickgelu": "QuickGELU", "gelu": "GELU"}


def print_model(model: Description) -> None:
    """A model as facts, measured and published tables and notes, within the terminal's width."""
    from rich.console import Console
    from rich.text import Text

    console = Console()
    console.print(Text(model.name, style="bold"))
    about = model.entry or model.card
    if about is not None:
        console.print(Text(about.description))
    console.print()
    console.print(_facts(model))
    _print_measured(console, model.card)
    _print_published(console, model.entry)
    notes = [*model.notes, *(model.entry.notes if model.entry else [])]
    notes += model.card.notes if model.card else []
    if notes:
        console.print("\n[bold]Notes[/bold]")
        console.print(_grid([("-", note) for note in notes]))


def _facts(model: Description) -> Table:
    rows = list(_anatomy_rows(model.anatomy)) if model.anatomy else []
    if model.entry:
        rows += list(_entry_rows(model.entry))
    if model.card:
        card = model.card
        rows.append(("trained on", card.data))
        rows.append(("made by", card.command))
        if model.entry is None:
            rows.append(("licence", card.licence))
        if card.sha256:
            rows.append(("sha256", card.sha256))
        rows.append(("canary", f"undefended below 0.5 % at {card.canary_eps or UNKNOWN}"))
    return _grid(rows)


def _anatomy_rows(parts: Anatomy) -> Iterator[tuple[str, str]]:
    cost = parts.cost
    grid = f", {cost.grid[0]} x {cost.grid[1]} patches" if cost.grid else ""
    yield "image tower", f"{parts.title}; width {parts.width}{grid}, embeddings of {cost.embed_dim}"
    yield "patches", f"{'yes' if parts.patches else 'no'}: {parts.link}"
    if not parts.patches:
        yield "works with", "attacks, TeCoA and all that asks for the pooled embedding alone"
    yield "input", f"{parts.input_shape[0]} x {parts.input_shape[1]} px"
    if parts.mean:
        yield "mean, std", f"{_numbers(parts.mean)}; {_numbers(parts.std)}"
    yield "activation", _ACTIVATIONS.get(parts.activation, parts.activation)
    yield "parameters", f"{_big(cost.image_parameters)} image, {_big(cost.text_parameters)} text"
    prompt = f"{_big(cost.text_macs)} a prompt of {parts.context_length} tokens"
    yield "multiply-adds", f"{_big(cost.image_macs)} an image, {prompt} (MACs)"
    if parts.logit_scale is None:
        yield "logit scale", "in the weights, read when they are loaded"
    else:
        bias = f", bias {parts.logit_bias:.2f}" if parts.logit_bias else ""
        yield "logit scale", f"{parts.logit_scale:.2f}{bias}"


def _entry_rows(entry: ModelEntry) -> Iterator[tuple[str, str]]:
    if entry.tuning:
        tuning = entry.tuning
        steps = f", {tuning.steps} steps" if tuning.steps else ""
        yield (
            "made robust",
            f"{tuning.method}; data: {tuning.data or UNKNOWN}; "
            f"{tuning.norm} eps {tuning.eps or UNKNOWN}{steps}",
        )
    if not entry.bundled:
        yield "text tower", "its own" if entry.text_tower == "own" else f"that of {entry.base}"
    yield "licence", _licence(entry.licence)
    if entry.get:
        yield "weights", _location(entry.get)
        yield "sha256", entry.get.sha256 or f"{UNKNOWN} to us: nothing to verify against"
        yield "how", entry.get.how
    yield "source", entry.source


def _licence(licence: Licences) -> str:
    return f"code {licence.code or UNKNOWN}; weights {licence.weights or UNKNOWN}"


def _location(place: Location) -> str:
    size = f", {place.megabytes:,} MB" if place.megabytes else ""
    if place.hub:
        return f"https://huggingface.co/{place.hub} ({place.file or 'open_clip folder'}{size})"
    return f"{place.url or 'by hand'}{size}"


def _print_measured(console: Console, card: Card | None) -> None:
    if card is None or not card.accuracy:
        return
    from zsrobust.cli.printing import print_table

    rows = [
        {
            "dataset": name,
            "top-1 %": f"{100 * each.top1:.1f}",
            "n": f"{each.n:,}",
            "chance %": f"{100 * each.chance:.1f}",
        }
        for name, each in card.accuracy.items()
    ]
    console.print()
    print_table(rows, "Clean accuracy, by its card")


def _print_published(console: Console, entry: ModelEntry | None) -> None:
    if entry is None or not entry.published:
        return
    from zsrobust.cli.printing import print_table

    columns = sorted(
        {_column(each) for each in entry.published}, key=lambda name: (name != CLEAN, name)
    )
    rows: dict[str, dict[str, str]] = {}
    for each in entry.published:
        blank = {"dataset": each.dataset, **dict.fromkeys(columns, "")}
        rows.setdefault(each.dataset, blank)[_column(each)] = _percent(each.value)
    console.print()
    print_table(list(rows.values()), "Published by others, in %; not measured here")
    said = dict.fromkeys((each.metric, each.source, each.protocol) for each in entry.published)
    console.print(_grid([(metric, f"{source}: {protocol}") for metric, source, protocol in said]))


def _column(figure: Published) -> str:
    return CLEAN if figure.metric == "clean" else f"robust {figure.eps or '(eps unstated)'}"


def _percent(value: float) -> str:
    """One decimal, or two where two were printed."""
    return f"{value:.1f}" if round(value, 1) == value else f"{value:.2f}"


def _grid(rows: list[tuple[str, str]]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for key, value in rows:
        table.add_row(key, Text(value))
    return table


def _big(count: int) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return str(count)


def _numbers(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)
