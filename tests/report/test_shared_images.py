"""Attacks are held against each other on the images that all of them were given."""

import pytest
from tests.report.sample_runs import header, write_cell, write_training

from zsrobust.records.header import ProtocolHeader
from zsrobust.report.cells import read_cells
from zsrobust.report.headline import headline
from zsrobust.report.results import results
from zsrobust.report.shared_images import on_shared_images
from zsrobust.report.standing import comparable
from zsrobust.report.story import Story, story_of

STRONG = ProtocolHeader(
    name="apgd-ce+t-eps4",
    hash="apgd-hash",
    content={"norm": "linf", "eps": ["4/255"], "attack": "apgd-ce+t"},
)


def write_both(folder, model, weak, strong, n=150, first=50):
    """PGD on `n` images, APGD on the `first` of them: robust percent of each.

    The survivors are the first ids, so that a rate on the first 50 is three times as high.
    """
    write_cell(folder, header(model, "scenes-colours", n), 90, weak)
    few = header(model, "scenes-colours", first, protocol=STRONG)
    few = few.model_copy(update={"dataset": few.dataset.model_copy(update={"hash": "first"})})
    write_cell(folder, few, 100, strong)


@pytest.fixture
def cells(tmp_path):
    """On its 150 PGD leaves 20 %, which are 60 % of the first 50; APGD leaves 40 % of those."""
    write_both(tmp_path, "m", weak=20, strong=40)
    return read_cells(tmp_path)


def test_the_numbers_of_a_longer_run_are_counted_again_over_the_shared_ids(cells):
    strong, weak = sorted(on_shared_images(cells), key=lambda cell: cell.header.protocol.name)
    assert (weak.summary.n, strong.summary.n) == (50, 50)
    assert weak.summary.by_eps[0].robust_accuracy.value == pytest.approx(0.6)
    assert strong.summary == next(c for c in cells if c.attack == "apgd-ce+t").summary


def test_runs_of_the_same_images_are_left_as_they_are(tmp_path):
    for model in ("a", "b"):
        write_cell(tmp_path, header(model, "scenes-colours", 40), 90, 10)
    cells = read_cells(tmp_path)
    assert on_shared_images(cells) == cells


def test_the_protocol_that_leads_leaves_least_on_the_same_images(cells):
    assert [cell.attack for cell in comparable(cells)] == ["apgd-ce+t"]
    (row,) = results(cells, Story()).rows
    assert row.lead.attack == "apgd-ce+t"
    assert row.lead.rate.value == pytest.approx(0.4)
    assert {one.attack: one.n for one in row.attacked} == {"apgd-ce+t": 50, "pgd-20": 150}


def test_the_headline_says_what_the_weaker_attack_leaves_of_the_same_images(tmp_path):
    for model, weak, strong in (("base", 2, 4), ("tuned", 20, 40)):
        write_both(tmp_path, model, weak, strong)
    write_training(tmp_path, "tuned")
    cells = read_cells(tmp_path)
    told = Story(order=("base", "tuned"), tuned_on={"tuned": ("scenes-shapes",)})
    said = headline(cells, told)
    assert said.lead.endswith("to 4 %; tuned keeps 40 %.")
    assert (
        "The lowest number on the same images leads: apgd-ce+t, 50 images a task. In the same "
        "order, pgd-20 leaves 6, 60 % of the same 50 and 2, 20 % of all its 150."
    ) in said.scope


def test_a_weaker_attack_leads_where_it_leaves_less_of_the_same_images(tmp_path):
    write_both(tmp_path, "m", weak=10, strong=40)
    cells = read_cells(tmp_path)
    assert [cell.attack for cell in comparable(cells)] == ["pgd-20"]
    said = headline(cells, story_of(cells, ())).scope
    assert "leads: pgd-20, 150 images a task. apgd-ce+t leaves 40 % of the same 50" in said
    assert "(pgd-20 leaves 30 % of these)" in said
