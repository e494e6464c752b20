"""Rounds side by side come out as one after the other."""

import torch
from tests.attacks.victims import RowByRow, fooled, images, names

from zsrobust.attacks.apgd import APGD
from zsrobust.attacks.course import Course, Found
from zsrobust.attacks.findings import Findings
from zsrobust.attacks.run_attack import run_attack


def ended(images, turns, fooled, margins):
    """Rounds that have ended: a row each."""
    found = Findings.none_yet(torch.zeros(len(images), 3, 1, 1))
    found.fooled = torch.tensor(fooled)
    found.margins = torch.tensor(margins)
    found.forwards += 10
    found.pixels += torch.tensor(turns).view(-1, 1, 1, 1) + 1.0
    found.iteration = torch.where(found.fooled, torch.tensor(turns) + 5, -1)
    return Found(torch.tensor(images), torch.tensor(turns), found)


def course(count, rounds):
    findings = Findings.none_yet(torch.zeros(count, 3, 1, 1))
    return Course.of(findings, torch.arange(count), rounds)


def test_a_round_waits_for_those_before_it_and_none_counts_after_a_success():
    """Of image 1, rounds 1 and 2 succeed at once while round 0 is still under way."""
    run = course(2, 3)
    run.settle(ended([1, 1], [1, 2], [True, True], [0.1, 0.9]), until_fooled=True)
    assert run.findings.forwards.tolist() == [0, 0]
    assert run.won.tolist() == [3, 1]
    assert run.standing == 1
    run.settle(ended([0, 1], [0, 0], [False, False], [-0.5, -0.2]), until_fooled=True)
    assert run.findings.forwards.tolist() == [10, 20]
    assert run.findings.fooled.tolist() == [False, True]
    assert run.findings.iteration.tolist() == [-1, 6]
    assert run.findings.pixels[:, 0, 0, 0].tolist() == [1, 2]
    assert run.waiting is None


def test_an_earlier_round_that_succeeds_later_takes_the_place_of_a_later_one():
    run = course(1, 2)
    run.settle(ended([0], [1], [True], [0.9]), until_fooled=True)
    run.settle(ended([0], [0], [True], [0.1]), until_fooled=True)
    assert run.findings.pixels[0, 0, 0, 0] == 1
    assert run.findings.forwards.tolist() == [10]


def test_where_every_round_counts_the_best_margin_is_kept():
    run = course(1, 3)
    found = ended([0, 0, 0], [2, 0, 1], [False, True, False], [0.3, 0.2, 0.5])
    run.settle(found, until_fooled=False)
    assert run.findings.forwards.tolist() == [30]
    assert float(run.findings.margins) == 0.5


def test_targets_and_restarts_side_by_side_are_those_of_a_batch_without_room():
    """With batches of one image a round runs at a time: the same pixels, looks and winners."""
    model, pixels, ids = RowByRow(), images(12), names(12)
    labels = model(pixels).argmax(1)
    for attack in (
        APGD("t", loss="targeted-dlr", targets=9, steps=12),
        APGD("a", restarts=4, steps=6),
    ):
        wide, narrow = (
            run_attack(model, pixels, labels, attack=attack, eps="2/255", ids=ids, batch_size=size)
            for size in (64, 1)
        )
        assert 0 < int(fooled(wide).sum()) < 12
        assert torch.equal(wide.pixels, narrow.pixels)
        assert torch.equal(wide.forwards, narrow.forwards)
        assert torch.equal(wide.iteration, narrow.iteration)
