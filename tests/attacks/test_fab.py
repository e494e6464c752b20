"""FAB-T: what it counts as success, and how it goes about it."""

import pytest
import torch
from tests.attacks.victims import RowByRow, Small, fooled, images, names, own_labels

from zsrobust.attacks.fab import FAB
from zsrobust.attacks.run_attack import run_attack
from zsrobust.attacks.search import Case, Look
from zsrobust.errors import SettingsError
from zsrobust.threat_model import ThreatModel

PIXELS = images(40)
RADII = [("linf", 2 / 255), ("l2", 0.12)]


@pytest.mark.parametrize(("norm", "eps"), RADII)
def test_an_image_fares_alone_as_it_does_in_a_batch(norm, eps):
    model, ids = RowByRow(), names(12)
    pixels = PIXELS[:12]
    labels = model(pixels).argmax(1)
    arguments = {"attack": FAB("fab", steps=15), "eps": eps, "norm": norm}
    whole = run_attack(model, pixels, labels, ids=ids, **arguments)
    assert 0 < int(fooled(whole).sum()) < 12
    for i in range(12):
        one = slice(i, i + 1)
        alone = run_attack(model, pixels[one], labels[one], ids=[ids[i]], **arguments)
        assert torch.equal(alone.pixels[0], whole.pixels[i])
        assert alone.forwards[0] == whole.forwards[i]


@pytest.mark.parametrize(("norm", "eps"), RADII)
def test_a_success_lies_inside_the_ball_although_the_search_does_not(norm, eps):
    model = Small().eval()
    labels = own_labels(model, PIXELS)
    result = run_attack(model, PIXELS, labels, attack=FAB("fab", steps=30), eps=eps, norm=norm)
    assert 0 < int(fooled(result).sum()) < 40
    assert float(result.distance.max()) <= eps + 1e-6
    assert not any("outside-ball" in flags for flags in result.health)


def test_a_boundary_further_than_the_radius_is_no_success():
    """It is found all the same: with a larger radius the same search succeeds."""
    model = RowByRow()
    labels = model(PIXELS).argmax(1)
    near, far = (
        run_attack(model, PIXELS, labels, attack=FAB("fab", steps=10), eps=eps)
        for eps in (0.2 / 255, 60 / 255)
    )
    assert int(fooled(near).sum()) < 10
    assert bool(fooled(far).all())
    stood = ~fooled(near)
    assert bool((near.margins[stood] < 0).all())


def test_its_steps_are_the_gradients_it_takes_one_more_look_each_at_most():
    model = RowByRow()
    labels = model(PIXELS).argmax(1)
    steps, targets = 12, 4
    result = run_attack(model, PIXELS, labels, attack=FAB("fab", steps=steps), eps=0)
    assert set(result.status) == {"survived"}
    assert int(result.backwards.min()) >= targets * steps
    assert int(result.backwards.max()) <= targets * (steps + 2)
    assert int(result.forwards.max()) <= targets * 2 * steps


def test_a_step_overshoots_by_a_twentieth_and_a_success_backs_off_by_a_tenth():
    """Logits (0, m - 0.6) with m the mean pixel: from 0.5 the boundary is 0.1 away."""
    clean = torch.full((1, 3, 2, 2), 0.5)
    ranking = torch.tensor([[0, 1]])
    case = Case(clean, ranking[:, 0], ranking, ["a"], ThreatModel("linf", 0.2), 0)
    search = FAB("fab").begin(case, 0)
    gradient = torch.full_like(clean, 1 / 12)
    assert torch.equal(search.pixels(), clean)
    search.advance(Look(clean, torch.tensor([[0, -0.1]]), torch.tensor([-0.1]), gradient))
    candidate = search.pixels()
    assert torch.allclose(candidate, clean + 1.05 * 0.1, atol=1e-5)
    search.advance(Look(candidate, torch.tensor([[0, 0.005]]), torch.tensor([0.005]), gradient))
    backed_off = search.pixels()
    assert torch.allclose(backed_off, clean + 0.9 * 0.105, atol=1e-5)
    lead = torch.tensor([float(backed_off.mean()) - 0.6])
    search.advance(Look(backed_off, torch.tensor([[0, lead.item()]]), lead, gradient))
    own, others = 0.6 - float(backed_off.mean()), 0.1
    pull = own / (own + others)
    expected = (1 - pull) * (backed_off + 1.05 * own) + pull * (clean + 1.05 * others)
    assert pull < 0.1
    assert torch.allclose(search.pixels(), expected, atol=1e-5)


def test_it_draws_no_random_numbers():
    model = RowByRow()
    labels = model(PIXELS).argmax(1)
    one, two = (
        run_attack(model, PIXELS, labels, attack=FAB("fab", steps=5), eps="2/255", seed=seed)
        for seed in (0, 1)
    )
    assert torch.equal(one.pixels, two.pixels)


@pytest.mark.parametrize(("classes", "rounds"), [(2, 1), (3, 2), (10, 9), (1000, 9)])
def test_there_are_nine_targets_or_one_less_than_classes(classes, rounds):
    assert FAB("fab").rounds(classes) == rounds


def test_settings_that_mean_nothing_are_refused():
    for wrong in ({"steps": 0}, {"targets": 0}):
        with pytest.raises(SettingsError, match="at least 1 each"):
            FAB("fab", **wrong)
