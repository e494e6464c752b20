"""Can the numbers of a finished run be relied on? Three checks, each by another way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zsrobust.data.dataset import Dataset
from zsrobust.errors import InputError
from zsrobust.models.model import Model
from zsrobust.verification import recount, reference_check, rescoring
from zsrobust.verification.check import Check
from zsrobust.verification.finished_run import load_subject, open_run

NO_ATTACK = "the protocol has no attack"


@dataclass(frozen=True)
class Verification:
    """What the checks of a run found, in the order: stored images, reference, records."""

    path: Path
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether no check found a fault."""
        return not any(check.faults for check in self.checks)

    @property
    def first_fault(self) -> str:
        """What failed and where, in one line: the first fault, and how many there are; else ""."""
        faults = [f"{check.name}: {fault}" for check in self.checks for fault in check.faults]
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        return f"{self.path}: {faults[0]}{more}." if faults else ""


def verify(
    run: str | Path,
    *,
    images: int = 20,
    model: str | Path | Model | None = None,
    dataset: str | Path | Dataset | None = None,
    data_root: str | Path | None = None,
    classes_file: Path | None = None,
    device: str = "auto",
    on_image: Callable[[int, int], None] | None = None,
) -> Verification:
    """The stored images scored again, some images attacked again, the summary computed again.

    run: a finished evaluation's folder. images: how many the reference path attacks, each for as
    many forwards as its cascade has: slow. model, dataset, data_root, classes_file: where they
    lie now; otherwise they are sought where the header says. on_image(done, all): progress.
    Raises RunFolderError, ModelError or DataError for what cannot be verified; faults are none of
    these: they stand in the checks.
    """
    if images < 1:
        raise InputError(f"images = {images}: give at least 1.")
    opened = open_run(run)
    counted = recount.check_records(opened)
    if not opened.protocol.radii:
        idle = [
            Check(name, nothing_to_do=NO_ATTACK) for name in (rescoring.NAME, reference_check.NAME)
        ]
        return Verification(opened.path, (*idle, counted))
    subject = load_subject(
        opened,
        model=model,
        dataset=dataset,
        data_root=data_root,
        classes_file=classes_file,
        device=device,
    )
    stored = rescoring.check_stored(opened, subject)
    attacked = reference_check.check_reference(opened, subject, images, on_image)
    return Verification(opened.path, (stored, attacked, counted))
