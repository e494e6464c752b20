"""Auto-PGD by cases that can be followed by hand."""

import pytest
import torch
from tests.attacks.victims import RowByRow, fooled, images, names

from zsrobust.attacks.apgd import APGD
from zsrobust.attacks.run_attack import run_attack
from zsrobust.attacks.search import Case, Look
from zsrobust.errors import SettingsError, UnknownNameError
from zsrobust.threat_model import ThreatModel

GREY = torch.full((1, 3, 1, 1), 0.5)


def begun(steps=100, eps=0.1, classes=5, turn=0, norm="linf", clean=GREY, **settings):
    attack = APGD("apgd", steps=steps, **settings)
    ranking = torch.arange(classes).expand(len(clean), classes)
    case = Case(clean, ranking[:, 0], ranking, names(len(clean)), ThreatModel(norm, eps), seed=0)
    return attack.begin(case, turn)


def follow(search, losses, gradient=None):
    """Feeds losses one look after the other; returns iterates looked at and the steps' sizes."""
    seen, sizes = [], []
    for loss in losses:
        pixels = search.pixels().clone()
        up = torch.ones_like(pixels) if gradient is None else gradient
        look = Look(pixels, torch.zeros(1, 5), torch.tensor([float(loss)]), up)
        search.advance(look)
        seen.append(pixels)
        sizes.append(round(float(search.step_size[0]), 9))
    return seen, sizes


def halvings(sizes):
    """After how many steps the step size fell."""
    return [k for k in range(1, len(sizes)) if sizes[k] < sizes[k - 1]]


def test_of_100_steps_the_checkpoints_are_those_of_the_paper():
    """A loss that never rises halves the step at each of them."""
    _, sizes = follow(begun(), [-k for k in range(100)])
    assert halvings(sizes) == [22, 41, 57, 70, 80, 87, 93, 99]
    assert sizes[0] == pytest.approx(0.2)
    assert sizes[99] == pytest.approx(0.2 / 2**8)


def test_a_loss_that_always_rises_keeps_the_step():
    _, sizes = follow(begun(), range(100))
    assert halvings(sizes) == []


@pytest.mark.parametrize(("rises", "halved"), [(16, [22]), (17, [])])
def test_three_quarters_of_a_windows_steps_must_rise(rises, halved):
    """0.75 of 22 steps is 16.5."""
    falls = 22 - rises
    losses = [-k for k in range(falls + 1)] + [k - falls for k in range(1, rises + 1)]
    assert len(losses) == 23
    _, sizes = follow(begun(), losses)
    assert halvings(sizes) == halved


def test_a_best_loss_that_stands_still_halves_the_step_unless_it_was_just_halved():
    """After 22 rises the loss drops and climbs in every further window, never above its best."""
    losses = list(range(23))
    for window in (19, 16, 13):
        losses += [-100.0 + k for k in range(window)]
    _, sizes = follow(begun(), losses)
    assert halvings(sizes) == [41, 70]


def test_a_halved_step_starts_again_from_the_best_point_with_its_gradient():
    """Ten steps: windows of 2, 1, 1 ...; the loss falls after the start, which stays the best.

    The momentum is what leads from the iterate before the last to the best, as in the release.
    """
    search = begun(steps=10)
    up, down = torch.ones(1, 3, 1, 1), -torch.ones(1, 3, 1, 1)
    seen = []
    for loss, gradient in ((3.0, up), (2.0, down), (1.0, down)):
        pixels = search.pixels().clone()
        search.advance(Look(pixels, torch.zeros(1, 5), torch.tensor([loss]), gradient))
        seen.append(pixels)
    start, before, size = seen[0], seen[1], 0.1
    assert float(search.step_size[0]) == pytest.approx(size)
    ahead = torch.minimum(start + size, GREY + 0.1)
    expected = (start + 0.75 * (ahead - start) + 0.25 * (start - before)).clamp(0.4, 0.6)
    assert torch.allclose(search.pixels(), expected, atol=1e-6)


def test_the_first_step_has_no_momentum_and_later_ones_carry_a_quarter_of_the_last():
    search = begun(eps=0.2, norm="l2")
    gradient = torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1)
    search.step_size[:] = 0.01
    search.at = GREY.clone()
    search.before = GREY.clone()
    seen, _ = follow(search, [0, 1, 2], gradient)
    steps = [float((seen[k + 1] - seen[k])[0, 0]) for k in range(2)]
    assert steps[0] == pytest.approx(0.01, abs=1e-6)
    assert steps[1] == pytest.approx(0.75 * 0.01 + 0.25 * 0.01, abs=1e-6)
    last = search.at.clone()
    follow(search, [3], -gradient)
    back = float((search.at - last)[0, 0])
    assert back == pytest.approx(-0.75 * 0.01 + 0.25 * 0.01, abs=1e-6)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_it_starts_on_the_sphere_with_a_step_of_two_radii(norm):
    search = begun(clean=torch.full((4, 3, 5, 5), 0.5), norm=norm)
    delta = (search.at - 0.5).flatten(1)
    away = delta.abs().amax(1) if norm == "linf" else delta.norm(dim=1)
    assert torch.allclose(away, torch.full((4,), 0.1), atol=1e-6)
    assert search.step_size.tolist() == pytest.approx([0.2] * 4)


def test_an_image_fares_alone_as_it_does_in_a_batch():
    model, pixels = RowByRow(), images(12)
    labels, ids = model(pixels).argmax(1), names(12)
    attack = (APGD("a", steps=30), APGD("t", loss="targeted-dlr", targets=9, steps=30))
    whole = run_attack(model, pixels, labels, attack=attack, eps="2/255", ids=ids)
    assert 0 < int(fooled(whole).sum()) < 12
    for i in range(12):
        alone = run_attack(
            model, pixels[i : i + 1], labels[i : i + 1], attack=attack, eps="2/255", ids=[ids[i]]
        )
        assert torch.equal(alone.pixels[0], whole.pixels[i])
        assert alone.iteration[0] == whole.iteration[i]
        assert alone.forwards[0] == whole.forwards[i]


@pytest.mark.parametrize(("classes", "rounds"), [(2, 1), (3, 2), (4, 3), (10, 9), (1000, 9)])
def test_there_are_nine_targets_or_one_less_than_classes(classes, rounds):
    assert APGD("t", loss="targeted-dlr", targets=9).rounds(classes) == rounds
    assert APGD("t", loss="targeted-dlr", targets=9, restarts=2).rounds(classes) == 2 * rounds
    assert APGD("a", restarts=5).rounds(classes) == 5


def test_targets_follow_the_clean_ranking():
    """Each target's loss rises with its own logit and falls with the true one's."""
    ranking = torch.tensor([[3, 1, 4, 0, 2]])
    attack = APGD("t", loss="targeted-margin", targets=9)
    case = Case(GREY, ranking[:, 0], ranking, ["a"], ThreatModel("linf", 0.1), 0)
    logits = torch.tensor([[0.1, 0.2, 0.3, 1.0, 0.5]])
    leads = [float(attack.begin(case, turn).loss(logits)) for turn in range(4)]
    assert leads == pytest.approx([0.2 - 1, 0.5 - 1, 0.1 - 1, 0.3 - 1])


@pytest.mark.parametrize("classes", [2, 3])
def test_two_and_three_classes_work_with_a_note(classes):
    model, pixels = RowByRow(classes=classes), images(40)
    labels = model(pixels).argmax(1)
    targeted = APGD("t", loss="targeted-dlr", targets=9)
    result = run_attack(model, pixels, labels, attack=targeted, eps="3/255")
    assert 0 < result.attack_success_rate < 1
    assert all("few-classes" in flags for flags in result.health)
    margins = run_attack(
        model, pixels, labels, attack=APGD("t", loss="targeted-margin", targets=9), eps="3/255"
    )
    assert torch.equal(result.pixels, margins.pixels)
    assert not any("few-classes" in flags for flags in margins.health)


def test_the_untargeted_ratio_needs_three_classes_the_targeted_one_four():
    pixels = images(10)
    for classes, loss, targets, expected in (
        (2, "dlr", 0, True),
        (3, "dlr", 0, False),
        (3, "targeted-dlr", 9, True),
        (4, "targeted-dlr", 9, False),
        (2, "cross-entropy", 0, False),
    ):
        model = RowByRow(classes=classes)
        attack = APGD("a", loss=loss, targets=targets, steps=3)
        result = run_attack(model, pixels, model(pixels).argmax(1), attack=attack, eps="1/255")
        assert [("few-classes" in flags) for flags in result.health] == [expected] * 10


def test_restarts_draw_other_starts_and_never_lose_a_success():
    model, pixels = RowByRow(classes=5), images(60)
    labels = model(pixels).argmax(1)
    one, five = (
        run_attack(model, pixels, labels, attack=APGD("a", steps=3, restarts=count), eps="3/255")
        for count in (1, 5)
    )
    assert bool(fooled(five)[fooled(one)].all())
    stood = ~fooled(five)
    assert set(five.forwards[stood].tolist()) == {5 * 4}
    assert set(five.backwards[stood].tolist()) == {5 * 3}
    assert not torch.equal(begun(turn=0).at, begun(turn=1).at)


def test_settings_that_mean_nothing_are_refused():
    with pytest.raises(SettingsError, match="steps = 0"):
        APGD("a", steps=0)
    with pytest.raises(SettingsError, match="restarts = 0"):
        APGD("a", restarts=0)
    with pytest.raises(UnknownNameError, match="targeted"):
        APGD("a", loss="dlr", targets=9)
