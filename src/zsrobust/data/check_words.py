"""What a check found, in words: a line a subject."""

from __future__ import annotations

from zsrobust.data.check import CheckReport, PerClass, PerImage
from zsrobust.data.check_images import CheckedImages

_SHOWN = 10

_VARIANTS = {
    "official": "official: the number of images is the published one",
    "subset": "subset of the official images",
    "miniature": "miniature: smaller images than the official ones",
    "user": "user: a set of one's own",
}


def lines_of(report: CheckReport) -> list[tuple[str, str]]:
    """(subject, what was found), the subject empty where it is the one above; no conclusion."""
    lines = [
        ("variant", _VARIANTS[report.variant]),
        ("images", _images(report)),
        *_told(report),
        ("decoded", _decoded(report)),
        *_listed("unreadable", report.images.unreadable),
        ("duplicates", _duplicates(report.images)),
        *([("prompts", _prompts(report))] if report.class_names else []),
        *_listed("wrong", report.faults),
        *_listed("remarks", report.remarks),
        *_listed("known faults", report.notes),
        ("source", report.source),
    ]
    return lines


def conclusion_of(report: CheckReport) -> str:
    """One line: whether anything is wrong."""
    if report.sound:
        part = "" if report.images.decoded == report.n else " in what was decoded"
        return f"Sound: nothing is wrong{part}."
    count = len(report.faults)
    return f"Not sound: {count} {'thing is' if count == 1 else 'things are'} wrong."


def _images(report: CheckReport) -> str:
    if report.official is None:
        return f"{report.n:,}"
    return f"{report.n:,} of {report.official:,}"


def _told(report: CheckReport) -> list[tuple[str, str]]:
    """Classes, captions, or both."""
    lines = [("classes", _classes(report))] if report.class_names else []
    if report.per_image is not None:
        lines.append(("captions", _captions(report.per_image)))
    return lines


def _captions(counts: PerImage) -> str:
    if counts.least == counts.most:
        return f"{counts.total:,}, {counts.least} an image"
    return f"{counts.total:,}, {counts.least} to {counts.most} an image"


def _classes(report: CheckReport) -> str:
    counts = report.per_class
    if counts is None:
        return f"{report.classes:,} names; the images are unlabelled"
    return f"{report.classes:,}, {_spread(counts)}"


def _spread(counts: PerClass) -> str:
    if counts.least == counts.most:
        return f"{counts.least:,} {'image' if counts.least == 1 else 'images'} each"
    spread = f"{counts.least:,} to {counts.most:,} images each, median {counts.median:,}"
    return f"{spread}; {len(counts.missing):,} have none" if counts.missing else spread


def _decoded(report: CheckReport) -> str:
    images = report.images
    many = "every image" if images.decoded == report.n else f"the first {images.decoded:,}"
    bad = len(images.unreadable)
    outcome = f"{bad:,} cannot be read" if bad else "all can be read"
    return f"{many}: {outcome}{_sizes(images)}"


def _sizes(images: CheckedImages) -> str:
    if images.smallest is None or images.largest is None:
        return ""
    small, large = (f"{width} x {height}" for width, height in (images.smallest, images.largest))
    return f"; {small} pixels" if small == large else f"; {small} to {large} pixels"


def _duplicates(images: CheckedImages) -> str:
    if not images.duplicates:
        return "none: no two have equal pixels"
    count = len(images.duplicates)
    return f"{count:,} {'picture comes' if count == 1 else 'pictures come'} more than once"


def _prompts(report: CheckReport) -> str:
    example = report.templates[0].replace("{}", report.class_names[0])
    count = len(report.templates)
    clash = (
        f"{len(report.same_prompts)} shared by several" if report.same_prompts else "no two alike"
    )
    many = "1 template" if count == 1 else f"{count} templates"
    return f"{many}, such as “{example}”; {clash}"


def _listed(subject: str, sentences: tuple[str, ...]) -> list[tuple[str, str]]:
    shown = list(sentences[:_SHOWN])
    if len(sentences) > _SHOWN:
        shown.append(f"... and {len(sentences) - _SHOWN:,} more (--json lists them all)")
    return [("" if number else subject, sentence) for number, sentence in enumerate(shown)]
