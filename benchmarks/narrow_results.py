"""What the cells of `narrow_training.py` have measured, read from their run folders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from narrow_cells import Contender, Plan
from zsrobust.data.readers.names import read_class_names
from zsrobust.evaluation.protocol import load_protocol
from zsrobust.records.intervals import Rate
from zsrobust.records.record import Record, clean_right, survives
from zsrobust.records.store import read_records, records_folder
from zsrobust.records.summary import summarise
from zsrobust.report.cells import Cell, read_cells
from zsrobust.report.results import signs
from zsrobust.report.suite_means import Mean, mean_of

LEARNED, OTHERS = "learned", "others"
"""Parts of the set of the fine-tuning: the classes that were trained on, and the rest."""
CLEAN, ROBUST = "clean", "robust"


@dataclass(frozen=True)
class Standing:
    """A model on some images.

    rates: clean and robust. right: the same image by image. chance: the best constant answer.
    warnings: of the run, which stand beside its numbers. shared: share of the set's classes that
    the whole set of the fine-tuning has too, where that is known.
    """

    rates: Mapping[str, Rate]
    right: Mapping[str, Mapping[str, bool]]
    chance: float
    collapsed: bool
    warnings: tuple[str, ...] = ()
    shared: float | None = None

    @property
    def above_chance(self) -> bool:
        """Whether the interval of clean accuracy lies above the best constant answer."""
        return self.rates[CLEAN].interval.low > self.chance


@dataclass(frozen=True)
class Measured:
    """All that a plan's cells have left. standings: by model and set, or part of a set."""

    plan: Plan
    standings: Mapping[tuple[str, str], Standing]

    def on(self, contender: Contender, name: str) -> Standing | None:
        """A model on a set or part; None where that is not measured."""
        return self.standings.get((contender.name, name))

    @cached_property
    def unseen(self) -> list[str]:
        """The sets that nothing was fine-tuned on."""
        asked, trained_on = self.plan.study.evaluation.datasets, self.plan.study.dataset
        return [name for name in asked if name != trained_on]

    @cached_property
    def counted(self) -> list[str]:
        """The unseen sets on which the undefended model is above chance by its interval."""
        undefended = self.plan.contenders[0]
        found = ((name, self.on(undefended, name)) for name in self.unseen)
        return [name for name, standing in found if standing and standing.above_chance]

    def mean(self, contender: Contender, kind: str) -> Mean | None:
        """Over the counted sets; None where one of them is missing, or none counts."""
        there = [found for name in self.counted if (found := self.on(contender, name))]
        complete = there and len(there) == len(self.counted)
        return mean_of([standing.rates[kind] for standing in there]) if complete else None

    def right(self, contender: Contender, kind: str, names: Sequence[str]) -> dict[str, bool]:
        """Image by image over some sets, as far as they are measured."""
        return {
            f"{name}/{image}": right
            for name in names
            if (standing := self.on(contender, name))
            for image, right in standing.right[kind].items()
        }


def read_measured(plan: Plan) -> Measured:
    """What there is so far."""
    names = set(read_class_names(Path(plan.study.classes)))
    standings = {
        (contender.name, part): standing
        for contender in plan.contenders
        for part, standing in _standings(plan, contender, names)
    }
    return Measured(plan, standings)


def _standings(
    plan: Plan, contender: Contender, learned: set[str]
) -> Iterator[tuple[str, Standing]]:
    folder = plan.evaluations(contender)
    asked = load_protocol(plan.study.protocol).hash
    for run in read_cells(folder) if folder.is_dir() else ():
        if run.header.protocol.hash != asked:
            continue
        records = read_records(records_folder(run.path))
        yield run.dataset, _with_run(_standing(records[: plan.study.evaluation.images]), run)
        if run.dataset == plan.study.dataset:
            known = {i for i, name in enumerate(run.header.dataset.class_names) if name in learned}
            for part, inside in ((LEARNED, True), (OTHERS, False)):
                its = [record for record in records if (record.label in known) == inside]
                if its:
                    yield part, _standing(its)


def _with_run(standing: Standing, run: Cell) -> Standing:
    """With what has to be said of the run as a whole."""
    health = signs(run.summary.by_eps[-1], run.summary.collapsed)
    said = [each.text for each in health if each.level != "note" and each.flag != "collapsed"]
    shared = max(run.header.dataset.overlap.values(), default=None)
    return replace(standing, warnings=(*run.header.warnings, *said), shared=shared)


def _standing(records: Sequence[Record]) -> Standing:
    summary = summarise(records)
    at = summary.by_eps[-1]
    clean, robust, chance = summary.clean_accuracy, at.robust_accuracy, summary.chance
    assert clean is not None and robust is not None and chance is not None, "labelled sets alone"
    right = {
        CLEAN: {record.id: clean_right(record) for record in records},
        ROBUST: {record.id: survives(record, at.eps) for record in records},
    }
    return Standing({CLEAN: clean, ROBUST: robust}, right, chance, summary.collapsed)
