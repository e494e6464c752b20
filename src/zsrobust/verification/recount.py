"""Do a run's records hang together, and do they give the numbers that results.json states?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from zsrobust.errors import RunError
from zsrobust.records.record import Record, build_record, clean_right, outcomes_at, withstood
from zsrobust.records.summary import FILE_NAME, read_summary, summarise
from zsrobust.settings import canonical_hash
from zsrobust.threat_model import format_eps
from zsrobust.verification.check import Check
from zsrobust.verification.finished_run import FinishedRun

NAME = "records and results"
OUTSIDE = 1e-5


def check_records(run: FinishedRun) -> Check:
    """The summary computed again, and each record held against itself, header and protocol."""
    faults = [*_header_faults(run), *_record_faults(run), *_summary_faults(run)]
    figures = {"images": len(run.records), "attacks": sum(len(r.attacks) for r in run.records)}
    return Check(NAME, figures, tuple(faults))


def _header_faults(run: FinishedRun) -> Iterator[str]:
    header = run.header.dataset
    if len(run.records) != header.n:
        yield f"records: {len(run.records)} images, run.json says {header.n}"
    labels = [record.label for record in run.records] if header.labelled else None
    content = [[record.id for record in run.records], labels, header.class_names]
    if canonical_hash(content) != header.hash:
        yield "records: ids or labels are not those whose hash run.json holds"
    if canonical_hash(run.header.protocol.content) != run.header.protocol.hash:
        yield "run.json: the protocol's settings do not have the hash stated beside them"


def _record_faults(run: FinishedRun) -> Iterator[str]:
    for record in run.records:
        for fault in _faults_of(record, run):
            yield f"records: image {record.id}: {fault}"


def _faults_of(record: Record, run: FinishedRun) -> Iterator[str]:
    again = build_record(
        record.id, record.label, record.clean_prediction, record.clean_margin, record.attacks
    )
    if again != record:
        yield "its worst case is not the worst of its attacks"
    if not _fits(record.clean_prediction, record.clean_margin, record.label):
        yield "the clean margin and prediction contradict each other"
    names = [attack.name for attack in run.protocol.cascade]
    seen = 0
    for eps in run.protocol.radii:
        outcomes, standing, at = outcomes_at(record, eps), clean_right(record), format_eps(eps)
        seen += len(outcomes)
        # A first pass in lower precision goes by the same names behind a prefix.
        if list(dict.fromkeys(one.name.rpartition(":")[2] for one in outcomes)) != names:
            yield f"its attacks at {at} are not the protocol's"
        for one in outcomes:
            if one.ran != standing:
                yield f"{one.name} at {at} ran where it had no work, or did not where it had"
            if not _fits(one.prediction, one.margin, record.label):
                yield f"{one.name} at {at}: margin and prediction contradict each other"
            if not one.distance <= eps * (1 + OUTSIDE) + OUTSIDE:
                yield f"{one.name} at {at}: a distance of {one.distance:g} is outside the ball"
            standing = standing and withstood(one, record.label)
    if seen != len(record.attacks):
        yield "it was attacked at radii that the protocol does not name"


def _fits(prediction: int, margin: float, label: int) -> bool:
    """A margin above 0 is a wrong answer, one below 0 a right one; a tie may be either."""
    return margin == 0 or (margin > 0) == (prediction != label)


def _summary_faults(run: FinishedRun) -> Iterator[str]:
    try:
        # Notes come from run.json, not from the records.
        stated = read_summary(run.path).model_dump(exclude={"notes"})
        again = summarise(run.records, labelled=run.header.dataset.labelled)
        counted = again.model_dump(exclude={"notes"})
    except RunError as error:
        yield str(error).rstrip(".")
        return
    for place, told, true in _differences(stated, counted, ""):
        yield f"{FILE_NAME}: {place} is {told}, the records give {true}"


def _differences(stated: Any, counted: Any, place: str) -> Iterator[tuple[str, Any, Any]]:
    """Where two summaries differ: the dotted place, and both values."""
    if isinstance(stated, dict) and isinstance(counted, dict):
        for key in sorted(stated.keys() | counted.keys()):
            below = f"{place}.{key}" if place else key
            yield from _differences(stated.get(key), counted.get(key), below)
    elif isinstance(stated, tuple) and isinstance(counted, tuple) and len(stated) == len(counted):
        for number, pair in enumerate(zip(stated, counted, strict=True)):
            yield from _differences(*pair, f"{place}[{number}]")
    elif stated != counted:
        yield place, stated, counted
