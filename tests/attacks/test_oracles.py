"""Attacks against what can be computed exactly: linear models and their nearest boundaries."""

import pytest
import torch
from tests.attacks.victims import RowByRow, fooled, images

from zsrobust.attacks.apgd import APGD
from zsrobust.attacks.bumps import bump
from zsrobust.attacks.fab import FAB
from zsrobust.attacks.pgd import PGD
from zsrobust.attacks.run_attack import run_attack
from zsrobust.attacks.square import Square

RADII = [("linf", 2 / 255), ("linf", 4 / 255), ("l2", 0.12)]
UNTARGETED = [
    PGD("pgd"),
    PGD("margin", loss="margin"),
    APGD("apgd-ce"),
    APGD("apgd-margin", loss="margin"),
    APGD("apgd-dlr", loss="dlr"),
]
TARGETED = [
    APGD("apgd-t", loss="targeted-dlr", targets=9),
    APGD("apgd-m", loss="targeted-margin", targets=9),
    FAB("fab-t"),
]
PIXELS = images(60)
AT_THE_FACES = images(60, low=-0.2, high=1.2).clamp(0, 1)


def gains(model, pixels, labels):
    """Per class: how far it trails the true one, and the weights of its lead. (B, C), (B, C, d)."""
    logits = model(pixels).detach()
    weight = model.weight.detach()
    return logits.gather(1, labels[:, None]) - logits, weight - weight[labels][:, None]


def distances(model, pixels, labels, norm):
    """Exact distance of each image to another decision, away from the box's faces. (B,)."""
    gap, w = gains(model, pixels, labels)
    reach = w.abs().sum(2) if norm == "linf" else w.norm(dim=2)
    return (gap / reach).scatter(1, labels[:, None], torch.inf).amin(1)


def best_leads(model, pixels, labels, eps):
    """The largest margin of any class within ball and box, L-inf: coordinate by coordinate."""
    gap, w = gains(model, pixels, labels)
    flat = pixels.flatten(1)
    up = torch.minimum(1 - flat, torch.tensor(eps))[:, None]
    down = torch.minimum(flat, torch.tensor(eps))[:, None]
    lead = (w.clamp_min(0) * up - w.clamp_max(0) * down).sum(2) - gap
    return lead.scatter(1, labels[:, None], -torch.inf).amax(1)


def labels_of(model, pixels):
    return model(pixels).argmax(1)


def with_a_third(model):
    """Another class far behind the two: the exact optimum stays theirs, and DLR is defined."""

    def three(pixels):
        logits = model(pixels)
        return torch.cat([logits, logits.detach().amin(1, keepdim=True) - 50], 1)

    return three


def exactly(attack, found, exact, nearly):
    """FAB measures distances to one per cent; every other attack has to be exact."""
    rows = exact == nearly if isinstance(attack, FAB) else torch.ones_like(exact)
    return torch.equal(found[rows], exact[rows])


@pytest.mark.parametrize(("norm", "eps"), RADII)
@pytest.mark.parametrize("attack", UNTARGETED, ids=lambda a: a.name)
def test_of_two_classes_every_loss_decides_as_the_exact_optimum(attack, norm, eps):
    """Of more, the classes' lead is convex in the pixels: an ascent may end at the wrong one."""
    model = RowByRow(classes=2)
    labels = labels_of(model, PIXELS)
    exact = distances(model, PIXELS, labels, norm) < eps
    assert 5 < int(exact.sum()) < 55
    for victim in (model, with_a_third(model)):
        result = run_attack(victim, PIXELS, labels, attack=attack, eps=eps, norm=norm)
        assert torch.equal(fooled(result), exact)


@pytest.mark.parametrize(("norm", "eps"), RADII)
@pytest.mark.parametrize("attack", TARGETED, ids=lambda a: a.name)
def test_of_five_classes_targeted_attacks_decide_as_the_exact_optimum(attack, norm, eps):
    model = RowByRow(classes=5)
    labels = labels_of(model, PIXELS)
    away = distances(model, PIXELS, labels, norm)
    exact = away < eps
    assert 5 < int(exact.sum()) < 59
    result = run_attack(model, PIXELS, labels, attack=attack, eps=eps, norm=norm)
    assert exactly(attack, fooled(result), exact, away < 1.01 * eps)


@pytest.mark.parametrize("attack", [*UNTARGETED, *TARGETED], ids=lambda a: a.name)
def test_with_the_box_in_the_way_they_decide_as_the_exact_optimum(attack):
    eps = 12 / 255
    model = RowByRow(classes=2 if attack in UNTARGETED else 5)
    labels = labels_of(model, AT_THE_FACES)
    exact = best_leads(model, AT_THE_FACES, labels, eps) > 0
    without_box = distances(model, AT_THE_FACES, labels, "linf") < eps
    assert int((without_box & ~exact).sum()) >= 3
    result = run_attack(model, AT_THE_FACES, labels, attack=attack, eps=eps)
    nearly = best_leads(model, AT_THE_FACES, labels, 0.99 * eps) > 0
    assert exactly(attack, fooled(result), exact, nearly)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_fab_succeeds_just_beyond_the_exact_distance_and_not_before(norm):
    """One image at a time: each has its own radius, one per cent off its exact distance."""
    model = RowByRow(classes=5)
    labels = labels_of(model, PIXELS)
    exact = distances(model, PIXELS, labels, norm)
    for i in range(12):
        for share, expected in ((1.01, "fooled"), (0.99, "survived")):
            result = run_attack(
                model,
                PIXELS[i : i + 1],
                labels[i : i + 1],
                attack=FAB("fab-t", steps=10),
                eps=share * float(exact[i]),
                norm=norm,
                batch_size=1,
            )
            assert result.status == (expected,), (i, share)


def test_square_decides_as_the_exact_optimum_in_linf():
    """Of two classes: 4000 queries on 6x6 pixels; at most 2 % of the images may differ."""
    model, eps = RowByRow(classes=2), 4 / 255
    labels = labels_of(model, PIXELS)
    exact = distances(model, PIXELS, labels, "linf") < eps
    assert 5 < int(exact.sum()) < 55
    attack = Square("square", queries=4000)
    found = fooled(run_attack(model, PIXELS, labels, attack=attack, eps=eps))
    assert not bool((found & ~exact).any())
    assert int((found != exact).sum()) <= 0.02 * len(PIXELS)


def bump_model(pixels):
    """Two classes told apart by the very form that L2 squares add, over all of a 3x3 image."""
    form = bump(torch.ones(1, 1, 3, 3), torch.tensor([3]), torch.tensor([False]))
    weight = (form * torch.tensor([1.0, -1.0, 1.0]).view(1, 3, 1, 1)).flatten()
    lead = 3 * (pixels.flatten(1) * weight).sum(1)
    return torch.stack([torch.zeros_like(lead), lead], 1)


def test_square_decides_as_the_exact_optimum_in_l2_where_its_forms_can_reach_it():
    """Bumps span few directions of a white weight; of their own form they span the best one."""
    pixels, eps = images(60, size=3, seed=4), 0.12
    labels = bump_model(pixels).argmax(1)
    length = 3 * 3**0.5
    exact = bump_model(pixels)[:, 1].abs() / length < eps
    assert 5 < int(exact.sum()) < 55
    attack = Square("square", queries=400)
    found = fooled(run_attack(bump_model, pixels, labels, attack=attack, eps=eps, norm="l2"))
    assert not bool((found & ~exact).any())
    assert int((found != exact).sum()) <= 0.02 * len(pixels)


def test_square_in_l2_reaches_a_good_part_of_the_way_for_any_weight():
    """Nearer than 0.35 radii all are overturned, beyond the radius none."""
    model = RowByRow(classes=2)
    labels = labels_of(model, PIXELS)
    exact = distances(model, PIXELS, labels, "l2")
    eps = float(exact.median()) / 0.35
    pixels, labels, exact = (part[exact != exact.median()] for part in (PIXELS, labels, exact))
    attack = Square("square", queries=600)
    found = fooled(run_attack(model, pixels, labels, attack=attack, eps=eps, norm="l2"))
    assert bool(found[exact < 0.35 * eps].all())
    assert not bool((found & (exact > eps)).any())
