"""The numbers of a run, recomputed from its records alone: `results.json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from zsrobust.errors import RunError
from zsrobust.records.atomic import write_text
from zsrobust.records.chance import chance, collapse_reason, largest_share
from zsrobust.records.header import read_header
from zsrobust.records.intervals import Rate, rate
from zsrobust.records.record import Record, clean_right, outcomes_at, withstood
from zsrobust.records.store import read_records, records_folder
from zsrobust.records.unreadable import read_unreadable
from zsrobust.settings import StrictModel
from zsrobust.threat_model import format_eps

FILE_NAME = "results.json"


class MemberSummary(StrictModel):
    """One attack of a cascade, at one eps.

    ran: images it was given. fooled: images it was the first to overturn.
    accuracy_after, attack_success_after: cumulative, after this member and all before it.
    """

    name: str
    ran: int
    fooled: int
    accuracy_after: Rate | None
    attack_success_after: Rate | None


class EpsSummary(StrictModel):
    """All attacks at one eps together: per image the worst case, never a mean over attacks.

    robust_accuracy: right when clean and under every attack, over all images (None: no labels).
    attack_success_rate: overturned, over the images right when clean (None where there are none).
    flags: health flag -> number of images that carry it.
    forwards, backwards: model calls an image, the mean over all images of the run.
    """

    eps: float
    eps_text: str
    robust_accuracy: Rate | None
    attack_success_rate: Rate | None
    members: tuple[MemberSummary, ...]
    flags: dict[str, int]
    forwards: float
    backwards: float


class Summary(StrictModel):
    """A run in numbers. Accuracies and chance are None for a run without labels.

    n: images measured. unreadable: images that could not be decoded, in no number.
    chance: the best constant answer on the evaluated images. collapsed: see `collapse_reason`.
    most_predicted, most_predicted_share: the class most often predicted on clean images.
    notes: known faults of the labels, from run.json.
    """

    n: int
    unreadable: int = 0
    labelled: bool
    norm: str | None
    clean_accuracy: Rate | None
    chance: float | None
    collapsed: bool
    collapse_reason: str | None
    most_predicted: int
    most_predicted_share: float
    by_eps: tuple[EpsSummary, ...]
    notes: tuple[str, ...] = ()


def summarise(records: Sequence[Record], *, labelled: bool = True) -> Summary:
    """The summary of a run's records.

    labelled: False where the labels are the model's own clean predictions; nothing is then called
    accuracy. Raises RunError for no records, or records that no single protocol can have made.
    """
    if not records:
        raise RunError("No records to summarise: no block of this run has finished yet.")
    if not labelled and not all(clean_right(record) for record in records):
        raise RunError("A run without labels holds labels that are not its clean predictions.")
    norms = sorted({attack.norm for record in records for attack in record.attacks})
    if len(norms) > 1:
        raise RunError(f"Records of several norms in one run: {', '.join(norms)}.")
    predictions = [record.clean_prediction for record in records]
    accuracy = rate(sum(map(clean_right, records)), len(records)) if labelled else None
    guess = chance([record.label for record in records]) if labelled else None
    reason = collapse_reason(predictions, accuracy, guess)
    most_predicted, share = largest_share(predictions)
    all_eps = sorted({attack.eps for record in records for attack in record.attacks})
    return Summary(
        n=len(records),
        labelled=labelled,
        norm=norms[0] if norms else None,
        clean_accuracy=accuracy,
        chance=guess,
        collapsed=reason is not None,
        collapse_reason=reason,
        most_predicted=most_predicted,
        most_predicted_share=share,
        by_eps=tuple(_at_eps(records, eps, labelled) for eps in all_eps),
    )


def summarise_run(run: Path) -> Summary:
    """The summary of a run folder, from its records; labels or none, and notes, are in run.json.

    Raises RunError as `summarise` does, and where no image of the run could be read.
    """
    dataset = read_header(run).dataset
    records, left_out = read_records(records_folder(run)), read_unreadable(records_folder(run))
    if left_out and not records:
        raise RunError(f"{run}: none of its images can be read ({left_out[0].reason})")
    said = {"unreadable": len(left_out), "notes": dataset.notes}
    return summarise(records, labelled=dataset.labelled).model_copy(update=said)


def write_summary(run: Path, summary: Summary) -> Path:
    """Writes `results.json` into a run folder, whole or not at all; returns its path."""
    path = run / FILE_NAME
    write_text(path, summary.model_dump_json(indent=2) + "\n")
    return path


def read_summary(run: Path) -> Summary:
    """What `results.json` of a run folder says; raises RunError naming the file."""
    path = run / FILE_NAME
    try:
        return Summary.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise RunError(
            f"{path}: cannot be read ({reason}). Give the run's command again."
        ) from None


def _at_eps(records: Sequence[Record], eps: float, labelled: bool) -> EpsSummary:
    outcomes = [outcomes_at(record, eps) for record in records]
    members = _members(records, eps, labelled)
    flags = Counter(flag for row in outcomes for flag in {f for one in row for f in one.flags})
    return EpsSummary(
        eps=eps,
        eps_text=format_eps(eps, _norm(records)),
        robust_accuracy=members[-1].accuracy_after,
        attack_success_rate=members[-1].attack_success_after,
        members=members,
        flags=dict(sorted(flags.items())),
        forwards=sum(one.forwards for row in outcomes for one in row) / len(records),
        backwards=sum(one.backwards for row in outcomes for one in row) / len(records),
    )


def _norm(records: Sequence[Record]) -> str:
    """The one norm of a run's attacks."""
    return next(attack.norm for record in records for attack in record.attacks)


def _members(records: Sequence[Record], eps: float, labelled: bool) -> tuple[MemberSummary, ...]:
    """The cascade at one eps, member by member; an image leaves when one overturns it."""
    attacked = [record for record in records if clean_right(record)]
    standing = attacked
    members = []
    for position, name in enumerate(_member_names(records, eps)):
        left = [r for r in standing if withstood(outcomes_at(r, eps)[position], r.label)]
        overturned = len(attacked) - len(left)
        members.append(
            MemberSummary(
                name=name,
                ran=sum(outcomes_at(record, eps)[position].ran for record in attacked),
                fooled=len(standing) - len(left),
                accuracy_after=rate(len(left), len(records)) if labelled else None,
                attack_success_after=rate(overturned, len(attacked)) if attacked else None,
            )
        )
        standing = left
    return tuple(members)


def _member_names(records: Sequence[Record], eps: float) -> tuple[str, ...]:
    """The attacks that every image right when clean went through; RunError where they differ."""
    lists: dict[tuple[str, ...], str] = {}
    for record in records:
        names = tuple(outcome.name for outcome in outcomes_at(record, eps))
        if names or clean_right(record):
            lists.setdefault(names, record.id)
    if len(lists) > 1:
        shown = "; ".join(f"'{i}' by {', '.join(names) or 'none'}" for names, i in lists.items())
        raise RunError(f"Images attacked by different attacks at eps {format_eps(eps)}: {shown}.")
    return next(iter(lists))
