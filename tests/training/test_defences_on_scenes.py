"""Every objective on `scenes-tiny`, of one length and radius: a table of docs/results.md."""

from collections.abc import Callable
from functools import cache

import pytest

from zsrobust.evaluation.evaluate import Run, evaluate
from zsrobust.models.load import load_model
from zsrobust.objectives.catalogue import OBJECTIVES
from zsrobust.records.intervals import Rate
from zsrobust.records.paired import mcnemar
from zsrobust.records.record import survives
from zsrobust.records.store import read_records, records_folder
from zsrobust.threat_model import parse_eps
from zsrobust.training.recipe import Recipe, load_recipe
from zsrobust.workflows.finetune import finetune

pytestmark = pytest.mark.slow

EPS = "2/255"
TASK = "scenes-objects"
IMAGES = 100
SHORT = ["steps=60", "batch_size=64"]
UNDEFENDED = "undefended"
# The rates are the better of two on images held out of the training set, by robust accuracy under
# the same attack (docs/results.md); those of the recipes are for 4/255 and for longer.
TRIED: dict[str, list[str]] = {
    "ft-clean": ["optimizer.lr=6e-4"],
    "tecoa": ["optimizer.lr=1.2e-3"],
    "pmg-aft": ["optimizer.lr=1.2e-3"],
    "fare": ["optimizer.lr=2.4e-3"],
    "tga-zsr": ["optimizer.lr=1.2e-3"],
    "comp-tga": ["optimizer.lr=1.2e-3"],
    "agft": ["optimizer.lr=1.2e-3"],
}
DEFENCES = [name for name in TRIED if name != "ft-clean"]
# Placebos take TGA-ZSR's rate, so that they differ from it in one thing; the rest their recipe's.
OTHERS: dict[str, list[str]] = {
    "ft-adv": [],
    "adversarial-training": [],
    "tecoa-pseudo": [],
    "lore": [],
    "ucat": [],
    "caw": [],
    "sim-clip": [],
    "sim-clip-as-released": ["objective.kind=sim-clip-as-released"],
    "placebo-wrong-text": TRIED["tga-zsr"],
    "placebo-random-direction": TRIED["tga-zsr"],
    "placebo-patch-anchor": TRIED["tga-zsr"],
}
ALL = TRIED | OTHERS
Measured = Callable[[str], Run]


def _recipe(name: str) -> Recipe:
    known = f"{name.removesuffix('-as-released')}-quick"
    radius = [] if load_recipe(known).attack.kind == "none" else [f"attack.eps={EPS}"]
    return load_recipe(known, [*SHORT, *radius, *ALL[name]])


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """A defence's name -> its run: trained and attacked once, when it is first asked for."""
    out, base = tmp_path_factory.mktemp("defences"), load_model("scenes-tiny", "cpu")

    @cache
    def run_of(name: str) -> Run:
        model = base
        if name != UNDEFENDED:
            model = finetune(_recipe(name), base, TASK, out / name, device="cpu")
        return evaluate(
            model, TASK, "apgd-ce+t-eps2", out / "runs",
            limit=IMAGES, device="cpu", overrides=["attack=apgd-ce"],
        )  # fmt: skip

    return run_of


def _robust(run: Run) -> Rate:
    assert run.summary is not None
    (at_eps,) = run.summary.by_eps
    assert at_eps.eps == parse_eps(EPS) and at_eps.robust_accuracy is not None
    return at_eps.robust_accuracy


def _withstood(run: Run) -> dict[str, bool]:
    """Image by image, whether it was right when clean and under the attack."""
    records = read_records(records_folder(run.path))
    return {record.id: survives(record, parse_eps(EPS)) for record in records}


def _line(name: str, run: Run, base: Run) -> str:
    summary, robust = run.summary, _robust(run)
    assert summary is not None and summary.clean_accuracy is not None and summary.chance is not None
    test = mcnemar(_withstood(run), _withstood(base))
    p_value = "" if run is base else f"{test.p_value:.2g} ({test.only_a}:{test.only_b})"
    cells = [name, *map(_percent, (summary.clean_accuracy, robust)), p_value]
    cells += [f"{100 * summary.chance:.1f}", "collapsed" if summary.collapsed else ""]
    return f"| {' | '.join(cells)} |"


def _percent(rate: Rate) -> str:
    low, high = 100 * rate.interval.low, 100 * rate.interval.high
    return f"{100 * rate.value:.0f} ({low:.0f}–{high:.0f})"


@pytest.mark.parametrize("name", DEFENCES)
def test_a_defence_exceeds_the_undefended_model_and_chance(measured, name):
    run, base = measured(name), measured(UNDEFENDED)
    test = mcnemar(_withstood(run), _withstood(base))
    assert test.n == IMAGES
    assert test.difference > 0 and test.p_value < 0.05, test
    assert _robust(run).interval.low > run.summary.chance


@pytest.mark.parametrize("name", DEFENCES)
def test_tuning_on_clean_images_stays_below_a_defence(measured, name):
    assert _robust(measured("ft-clean")).value < _robust(measured(name)).value


def test_the_table_has_every_objective_on_the_same_images_under_the_same_attack(measured, capsys):
    base = measured(UNDEFENDED)
    runs = {name: measured(name) for name in (UNDEFENDED, *ALL)}
    with capsys.disabled():
        print("\n\n| model | clean | robust | p (only it : only undefended) | chance | |")
        print("|---|---|---|---|---|---|")
        print("\n".join(_line(name, run, base) for name, run in runs.items()))
    assert {_recipe(name).objective.kind for name in ALL} == set(OBJECTIVES)
    seen = {(run.header.dataset.hash, run.header.protocol.hash) for run in runs.values()}
    assert len(seen) == 1 and base.header.dataset.n == IMAGES
    assert {(_recipe(name).steps, _recipe(name).batch_size) for name in ALL} == {(60, 64)}
