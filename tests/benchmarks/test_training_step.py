import importlib.util
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from training_cells import CLOSE, OBJECTIVES, SETUPS, SMALL, Case, Cell, cells_of
from training_models import TEMPLATE, random_dataset
from training_release import LOSSES, Released, released_attack, released_step
from training_side import dataset_of, ours, recipe_of, released
from training_step import main
from training_table import Row, table
from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.objectives.catalogue import OBJECTIVES as KNOWN
from zsrobust.objectives.objective import Batch
from zsrobust.objectives.passes import counting_passes
from zsrobust.testing.tiny_clip import random_images, tiny_clip
from zsrobust.training.trainable.settings import KINDS

NAMES = ("cat", "dog", "bird", "ship", "truck")
EPS = 4 / 255
CASES = {case.name: case for case in OBJECTIVES}


def small(name):
    return Cell(SMALL, CASES[name])


def loop_and_batch(texts_once=False):
    model = tiny_clip()
    pixels, labels = random_images(6, classifier_of(model, NAMES, (TEMPLATE,)))
    loop = Released.of(model, NAMES, TEMPLATE)
    if texts_once:
        loop = replace(loop, texts_once=loop.texts().detach())
    return loop, Batch(pixels, labels, [str(i) for i in range(6)])


def text_passes(loop, kind, batch):
    """Prompts that went through the text tower in a step: forwards and backwards."""
    seen = {"forwards": 0, "backwards": 0}

    def count(_module, _inputs, output):
        seen["forwards"] += 1
        if output.requires_grad:
            output.register_hook(lambda _gradient: seen.update(backwards=seen["backwards"] + 1))

    handle = loop.model.clip.ln_final.register_forward_hook(count)
    optimizer = torch.optim.SGD(loop.model.visual.parameters(), 1e-4, momentum=0.9)
    with counting_passes() as passes:
        released_step(loop, kind, batch, batch.pixels, optimizer, eps=EPS, steps=2)
    handle.remove()
    return seen, passes


@pytest.mark.parametrize("kind", list(LOSSES))
def test_the_released_step_and_ours_minimise_the_same(kind):
    theirs, mine = released(small(kind), texts_once=False), ours(small(kind))
    assert mine["losses"] == pytest.approx(theirs["losses"], abs=CLOSE)
    assert theirs["trained"] == mine["trained"]
    assert len(mine["seconds"]) == len(theirs["seconds"]) == len(mine["losses"]) - 1


@pytest.mark.parametrize(
    ("kind", "forwards", "cost", "text"),
    [
        ("tecoa", 3, 9, (3, 3)),
        ("tga-zsr", 6, 18, (3, 2)),
        ("pmg-aft", 5, 15, (5, 5)),
        ("fare", 5, 9, (0, 0)),
    ],
)
def test_the_released_step_costs_what_the_releases_pay(kind, forwards, cost, text):
    loop, batch = loop_and_batch()
    seen, passes = text_passes(loop, kind, batch)
    assert (passes.forwards, passes.cost) == (forwards * 6, cost * 6)
    assert (seen["forwards"], seen["backwards"]) == text
    image, of_text = CASES[kind].released
    assert (image, of_text) == (cost, text[0] + 2 * text[1])


def test_given_texts_leave_the_image_part_and_its_loss_alone():
    loop, batch = loop_and_batch(texts_once=True)
    seen, passes = text_passes(loop, "tecoa", batch)
    assert seen == {"forwards": 0, "backwards": 0}
    assert passes.cost == 9 * 6


def test_the_released_attack_climbs_inside_ball_and_box():
    loop, batch = loop_and_batch()

    def loss_of(pixels):
        logits = loop.logits(loop.model.visual, pixels, loop.texts())
        return functional.cross_entropy(logits, batch.labels)

    kept = released_attack(loop, loss_of, batch.pixels, batch.pixels, EPS / 2, 2)
    assert kept.requires_grad
    found = kept.detach()
    assert float((found - batch.pixels).abs().max()) <= EPS + 1e-6
    assert float(found.min()) >= 0 and float(found.max()) <= 1
    with torch.no_grad():
        assert float(loss_of(found)) > float(loss_of(batch.pixels))


@pytest.mark.parametrize("cell", cells_of((SMALL,)), ids=lambda cell: cell.case.name)
def test_every_cell_runs_at_the_cost_it_states(cell):
    if cell.case.trainable == "lora" and importlib.util.find_spec("peft") is None:
        pytest.skip("peft is missing")
    found = ours(cell)
    row = Row(cell, {"ours": found})
    assert all(abs(loss) < 1e4 for loss in found["losses"])
    assert found["trained"] > 0
    if cell.case.trainable == "tower":
        assert row.cost() == cell.case.least
    else:
        assert found["trained"] < ours(small("tecoa"))["trained"]


def test_every_objective_and_every_trainable_part_is_measured_on_both_models():
    cells = cells_of(SETUPS)
    names = [cell.name for cell in cells]
    assert len(set(names)) == len(names)
    for setup in SETUPS:
        here = [cell for cell in cells if cell.setup is setup]
        assert {cell.case.kind for cell in here} == set(KNOWN)
        assert {recipe_of(cell).trainable.kind for cell in here} == set(KINDS)
    barred = {cell.name for cell in cells if cell.bar is not None}
    assert barred == {"vit-b-32--tecoa", "vit-b-32--tga-zsr"}
    # As many prompts for each image as 200 for 128.
    assert all(setup.prompts / setup.batch == pytest.approx(200 / 128) for setup in SETUPS)


def test_images_come_again_only_where_the_cell_says_so():
    assert len(dataset_of(small("tga-zsr"))) == 4 * len(dataset_of(small("tga-zsr-later-epochs")))
    pictures = random_dataset(3, 5, 28)
    assert pictures.read(0).size == (28, 28)
    assert pictures.read(0).tobytes() == pictures.read(0).tobytes() != pictures.read(1).tobytes()


def side(seconds, losses=(1.0, 2.0), **changes):
    passes = {"forwards": 3.0, "input_backwards": 2.0, "full_backwards": 1.0}
    passes["partial_backwards"] = 0.0
    found = {"seconds": seconds, "losses": list(losses), "passes": passes, "peak_mib": 10.0}
    return {**found, "trained": 29728, "text_seconds": 0.5, **changes}


def test_the_table_names_every_bar_that_is_missed_and_sets_the_paper_beside():
    setup = replace(SMALL, bars=True)
    tecoa = Row(
        Cell(setup, CASES["tecoa"]),
        {
            "released": side([6.0, 5.0, 9.0]),
            "released-image": side([4.0]),
            "ours": side([2.0, 3.0, 1.0]),
        },
    )
    slow = Row(
        Cell(setup, CASES["tga-zsr"]),
        {
            "released": side([3.0], losses=(1.0, 2.1)),
            "released-image": side([3.0]),
            "ours": side([3.0]),
        },
    )
    assert (tecoa.faster, tecoa.missed) == (3.0, [])
    assert slow.missed == ["losses", "speed"]
    text = table([tecoa, slow])
    assert "| 6.00 (4.00 + 2.00) | 2.00 | **3.00x** | 2.0x | 2.00x |" in text
    assert "| no: losses, speed |" in text
    assert "| 1.50 | 1.74 (1.13 s) |" in text
    assert "0.50 s for tiny" in text


def test_a_cell_without_a_release_or_without_tecoa_beside_it_still_has_its_row():
    part = Cell(SMALL, Case("tecoa--linear-probe", "tecoa", 5, trainable="linear-probe"))
    passes = {"forwards": 3.0, "input_backwards": 2.0, "full_backwards": 0.0}
    passes["partial_backwards"] = 1.0
    text = table([Row(part, {"ours": side([1.0], passes=passes)})])
    assert "| tecoa | linear-probe | 1.00 | – | – | 10 | 3 | 2 | 1 partial | – | 29,728 |" in text
    assert "released s" not in text


def test_the_command_states_its_estimate_resumes_by_cell_and_refuses_unknown_names(
    tmp_path, monkeypatch, capsys
):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["training_step.py", "--out", str(tmp_path), *words])
        return main()

    monkeypatch.setattr(sys, "path", sys.path)
    assert run("--tiny", "--only", "linear-probe") == 0
    assert "1 of 1 cells to measure, about 0 minutes" in capsys.readouterr().out
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("measured again"))
    assert run("--tiny", "--only", "linear-probe") == 0
    printed = capsys.readouterr().out
    assert "0 of 1 cells to measure" in printed
    assert (tmp_path / "table.md").read_text() in printed
    assert run("--only", "no-such-cell") == 2
    assert "photos-mini--tga-zsr" in capsys.readouterr().out
