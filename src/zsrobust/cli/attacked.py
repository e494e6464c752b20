"""What `attack` prints when it is done: one image in a block, several in a table, or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import fill
from typing import Any

from zsrobust.cli.printing import print_json, print_table
from zsrobust.report.cells import read_cell
from zsrobust.report.results import signs
from zsrobust.report.results_table import print_terminal
from zsrobust.report.rows import interval, percent
from zsrobust.threat_model import format_eps
from zsrobust.workflows.attack_images import AttackedImages
from zsrobust.workflows.attacked_pictures import AttackedImage

SHOWN = 50
_STATUS = {"fooled": "fooled", "survived": "survived", "clean_wrong": "was wrong"}
_NORM = {"linf": "L-inf", "l2": "L2"}
_PLACES = (
    ("adversarial", "they fool the model"),
    ("difference", "what was added, amplified around grey"),
    ("survived", "the strongest change found, in vain"),
    ("clean", "before"),
)


def print_attacked(done: AttackedImages, as_json: bool) -> None:
    """What became of the images, then rates, warnings, and where the pictures are."""
    if as_json:
        print_json(_as_json(done))
        return
    tree = done.run.header.dataset.labelled and len({each.label for each in done.images}) > 1
    if len(done.images) == 1:
        print("\n".join(_block(done, done.images[0])))
    else:
        rows = [_row(done, image) for image in done.images[:SHOWN]]
        print_table(rows, f"{done.attack}, eps {_radius(done)}")
        if len(done.images) > SHOWN:
            print(f"... and {len(done.images) - SHOWN} more: --json tells of all.")
    if tree:
        print_terminal([read_cell(done.run.path)])
    print()
    for line in [*([] if tree else _beside(done)), *_after(done)]:
        print(fill(line, 80, break_long_words=False, break_on_hyphens=False))


def _block(done: AttackedImages, image: AttackedImage) -> Iterator[str]:
    yield f"{image.file}: {_STATUS[image.status]}{_doubt(image)}"
    yield f"  clean     {_answers(image.clean)}"
    if image.status == "clean_wrong":
        yield f"  label     {image.label}: wrong without an attack, so none was made"
        return
    yield f"  attacked  {_answers(image.attacked)}"
    yield f"  change    {_length(done, image)}, of {_radius(done)} allowed"
    if image.status == "fooled":
        yield f"  found by  {image.attack}, at iteration {image.iteration}"
    else:
        yield f"  found by  {done.attack}: its strongest, and not enough"
    own = "" if done.run.header.dataset.labelled else ", the model's own clean answer"
    yield f"  label     {image.label}{own}"


def _answers(answers: Sequence[tuple[str, float]]) -> str:
    return "   ".join(f"{name} {100 * share:.1f} %" for name, share in answers)


def _row(done: AttackedImages, image: AttackedImage) -> dict[str, str]:
    attacked = image.attacked[:1]
    return {
        "file": image.file,
        "clean": _short(image.clean[:1]),
        "attacked": _short(attacked) or "-",
        "change": _length(done, image) if attacked else "-",
        "found by": image.attack or "-",
        "status": _STATUS[image.status] + _doubt(image),
    }


def _doubt(image: AttackedImage) -> str:
    return "" if image.agrees else ", but not read back"


def _short(answers: Sequence[tuple[str, float]]) -> str:
    return "".join(f"{name} {100 * share:.0f} %" for name, share in answers)


def _length(done: AttackedImages, image: AttackedImage) -> str:
    if done.threat.norm == "linf":
        return format_eps(image.distance)
    return f"{image.distance:.3g}"


def _radius(done: AttackedImages) -> str:
    return f"{done.threat.eps_text} ({_NORM[done.threat.norm]})"


def _beside(done: AttackedImages) -> Iterator[str]:
    """The rate, and the warnings that stand beside it. Trees of classes have a table for both."""
    at = done.run.summary.by_eps[0] if done.run.summary else None
    right = [image for image in done.images if image.status != "clean_wrong"]
    if at and at.attack_success_rate and len(done.images) > 1:
        fooled = sum(image.status == "fooled" for image in right)
        yield (
            f"Attack success: {fooled} of {len(right)} answers overturned, "
            f"{percent(at.attack_success_rate)} % "
            f"(95 % interval {interval(at.attack_success_rate)})."
        )
        if not done.run.header.dataset.labelled:
            yield "Without labels, the model's own clean answers are the labels."
    wrong = len(done.images) - len(right)
    if wrong and len(done.images) > 1:
        yield f"Wrong when clean, and so not attacked: {wrong} of {len(done.images)}."
    yield from (f"Warning: {said}" for said in done.run.header.warnings)
    for sign in signs(at, collapsed=False) if at else ():
        if sign.level != "note":
            yield f"Warning: {sign.text}"


def _after(done: AttackedImages) -> Iterator[str]:
    """What the files say, and where they are."""
    lost = sum(image.lost_in_rounding for image in done.images)
    if lost:
        yield (
            f"{lost} survived by rounding alone: a finer change fooled the model, but no picture "
            "of 8 bits that was found did."
        )
    differ = [image.file for image in done.images if not image.agrees]
    if differ:
        yield (
            f"Warning: judged again from their files, {len(differ)} differ ({differ[0]} ...): "
            "an answer within rounding of a tie, or a file that was changed."
        )
    elif any(image.picture for image in done.images):
        yield "Read back from the PNGs and judged again: every answer is the same."
    yield (
        f"The PNGs are {done.side} x {done.side}, as the model sees the images (shorter side to "
        f"{done.side}, centre crop): the change is bounded there, not on the original files."
    )
    there = [f"{name}/ ({what})" for name, what in _PLACES if (done.run.path / name).is_dir()]
    yield f"In {done.run.path}: {', '.join(there)}."


def _as_json(done: AttackedImages) -> dict[str, Any]:
    return {
        "out": done.run.path,
        "model": done.run.header.model.name,
        "attack": done.attack,
        "norm": done.threat.norm,
        "eps": done.threat.eps,
        "eps_text": done.threat.eps_text,
        "side": done.side,
        "labelled": done.run.header.dataset.labelled,
        "warnings": done.run.header.warnings,
        "images": [vars(image) for image in done.images],
        "summary": done.run.summary and done.run.summary.model_dump(),
    }
