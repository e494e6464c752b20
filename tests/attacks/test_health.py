"""Every flag is raised by what it is meant for, and by no honest model or attack."""

import pytest
import torch
from tests.attacks.victims import RowByRow, Small, images, own_labels
from torch import nn

from zsrobust.attacks.apgd import APGD
from zsrobust.attacks.health import SIGNS, MemberCount, diagnose
from zsrobust.attacks.pgd import PGD
from zsrobust.attacks.run_attack import run_attack
from zsrobust.attacks.square import Square
from zsrobust.testing.tiny_clip import random_images, tiny_classifier

PIXELS = images(40)
MODEL = Small().eval()
EPS = "2/255"


def flags_of(model, attack, pixels=PIXELS, **how):
    labels = own_labels(model, pixels)
    return run_attack(model, pixels, labels, attack=attack, **{"eps": EPS, **how})


def raised(result):
    return {flag for flags in result.health for flag in flags}


def share(result, flag):
    stood = [i for i, status in enumerate(result.status) if status == "survived"]
    return sum(flag in result.health[i] for i in stood) / len(stood)


def saturated(pixels):
    """So confident that its cross-entropy and its gradient are exactly zero in fp32."""
    return 3e4 * MODEL(pixels)


def test_a_saturated_model_has_zero_gradients_under_cross_entropy_but_not_under_the_margin():
    result = flags_of(saturated, APGD("apgd-ce", steps=20))
    assert share(result, "zero-gradient") > 0.9
    assert "zero-gradient" not in raised(flags_of(saturated, PGD("margin", loss="margin")))
    assert "zero-gradient" not in raised(flags_of(saturated, APGD("dlr", loss="dlr", steps=20)))


class Misleading(torch.autograd.Function):
    """The identity, with a gradient that points the other way."""

    @staticmethod
    def forward(ctx, pixels):
        return pixels.clone()

    @staticmethod
    def backward(ctx, gradient):
        return -gradient


def test_a_gradient_that_points_nowhere_makes_no_progress():
    result = flags_of(lambda x: MODEL(Misleading.apply(x)), PGD("pgd"))
    assert share(result, "no-progress") > 0.9
    assert "no-progress" in [sign.flag for sign in result.signs]


@pytest.mark.parametrize(
    ("noise", "flag", "level"),
    [(1e-3, "forwards-differ", "warning"), (0.3, "randomised", "invalid")],
)
def test_forwards_that_differ_are_noticed_before_the_attack(noise, flag, level):
    def noisy(pixels):
        logits = MODEL(pixels)
        return logits + noise * torch.randn_like(logits) * logits.detach().abs().amax()

    with torch.random.fork_rng():
        torch.manual_seed(0)
        result = flags_of(noisy, PGD("pgd", steps=2))
    assert flag in raised(result)
    assert (flag, level) in [(sign.flag, sign.level) for sign in result.signs]


def test_logits_that_depend_on_the_batch_are_invalid():
    def among_others(pixels):
        logits = MODEL(pixels)
        return logits - 0.3 * logits.mean(0, keepdim=True) / len(pixels) ** 0.1

    result = flags_of(among_others, PGD("pgd", steps=2))
    assert "batch-dependent" in raised(result)
    assert result.signs[0].level == "invalid"


def test_batch_norm_left_on_batch_statistics_is_invalid_too():
    norm = nn.BatchNorm2d(3, track_running_stats=False)
    result = flags_of(lambda x: MODEL(norm(x) / 5 + 0.5), PGD("pgd", steps=2))
    assert "batch-dependent" in raised(result)


def test_probabilities_are_recognised():
    result = flags_of(lambda x: MODEL(x).softmax(1), PGD("pgd", steps=2))
    assert ("probabilities", "warning") in [(sign.flag, sign.level) for sign in result.signs]


def test_too_few_classes_for_the_ratio_are_noted():
    attack = APGD("t", loss="targeted-dlr", targets=9, steps=3)
    result = flags_of(RowByRow(classes=3), attack)
    assert ("few-classes", "note") in [(sign.flag, sign.level) for sign in result.signs]
    assert "few-classes" not in raised(flags_of(RowByRow(classes=4), attack))


def band(pixels):
    """Wrong only in a band of brightness that the steps cross; the gradient leads on beyond it."""
    level = pixels.mean((1, 2, 3))
    inside = ((level > 0.515) & (level < 0.56)).float() * 2 - 1
    return torch.stack([0 * level, inside + 10 * (level - level.detach())], 1)


def test_a_success_on_the_way_that_the_last_iterate_loses_is_noted():
    grey = torch.full((1, 3, 4, 4), 0.5)
    settings = {"steps": 9, "step_size": "0.02"}
    last = flags_of(band, PGD("p", iterate="last", **settings), grey, eps=0.1)
    best = flags_of(band, PGD("p", **settings), grey, eps=0.1)
    assert raised(last) == {"silent-success"}
    assert best.status == ("fooled",) and raised(best) == set()


def test_steps_too_short_to_arrive_are_noted_as_still_rising_and_long_enough_ones_are_not():
    short = flags_of(RowByRow(), PGD("p", loss="margin", step_size="eps/40"), eps="0.5/255")
    assert share(short, "still-rising") > 0.9
    assert "still-rising" in [sign.flag for sign in short.signs]
    arrived = flags_of(RowByRow(), PGD("p", loss="margin"), eps="0.5/255")
    assert share(arrived, "still-rising") == 0


def test_judging_the_last_iterate_alone_is_no_sign_of_a_rise():
    result = flags_of(MODEL, PGD("p", iterate="last"), eps="1/255")
    assert "survived" in result.status
    assert "still-rising" not in raised(result)


def test_a_success_by_the_random_start_alone_is_noted():
    def brittle(pixels):
        """Right on the clean grey alone; a start anywhere else fools it."""
        moved = (pixels - 0.5).abs().amax((1, 2, 3))
        return torch.stack([20 * moved, 0.1 + 0 * moved], 1)

    grey = torch.full((4, 3, 4, 4), 0.5) + torch.arange(4).view(4, 1, 1, 1) * 1e-5
    result = flags_of(brittle, APGD("apgd-ce"), grey, eps="8/255")
    assert result.status == ("fooled",) * 4
    assert all(flags == ("random-start",) for flags in result.health)


def quantised(pixels):
    """A gradient of exactly zero, where a search without gradients finds a way."""
    return MODEL((pixels * 15).round() / 15)


def test_square_that_breaks_what_gradients_left_is_a_warning():
    cascade = (APGD("apgd-ce", steps=10), Square("square", queries=150))
    masked = flags_of(quantised, cascade, eps="12/255")
    assert "square-breaks" in [sign.flag for sign in masked.signs]
    assert "zero-gradient" in [sign.flag for sign in masked.signs]
    honest = flags_of(MODEL, cascade, eps="12/255")
    assert "square-breaks" not in [sign.flag for sign in honest.signs]


@pytest.mark.parametrize(
    ("ran", "fooled", "expected"),
    [(50, 2, False), (50, 3, True), (1000, 10, False), (1000, 11, True)],
)
def test_square_may_break_two_images_or_one_per_cent(ran, fooled, expected):
    members = [MemberCount("apgd-ce", 2000, 0), MemberCount("square", ran, fooled)]
    found = [sign.flag for sign in diagnose({}, 2000, members)]
    assert found == (["square-breaks"] if expected else [])


def test_square_by_itself_says_nothing_of_gradients():
    assert diagnose({}, 100, [MemberCount("square", 100, 90)]) == ()


@pytest.mark.parametrize("flag", SIGNS)
def test_a_flag_speaks_beyond_its_share_of_the_attacked_and_not_at_it(flag):
    sign, attacked = SIGNS[flag], 1000
    at = round(sign.share * attacked)
    assert diagnose({flag: at}, attacked) == ()
    (found,) = diagnose({flag: at + 1}, attacked)
    assert (found.flag, found.level) == (flag, sign.level)
    assert f"{at + 1} of {attacked}" in found.text


def test_the_thresholds_and_levels_are_those_agreed():
    assert SIGNS["zero-gradient"].share == 0.05
    levels = {name: sign.level for name, sign in SIGNS.items()}
    assert {name for name, level in levels.items() if level == "invalid"} == {
        "outside-ball",
        "batch-dependent",
        "randomised",
    }
    assert {name for name, level in levels.items() if level == "warning"} == {
        "zero-gradient",
        "no-progress",
        "forwards-differ",
        "probabilities",
    }


def test_the_loudest_comes_first_and_nothing_attacked_says_nothing():
    counts = {"random-start": 9, "zero-gradient": 9, "outside-ball": 9}
    assert [sign.level for sign in diagnose(counts, 10)] == ["invalid", "warning", "note"]
    assert diagnose(counts, 0) == ()


def test_a_collapsed_model_is_named_before_its_gradients():
    """A constant has no gradient, and is never overturned: neither says anything."""
    counts = {"zero-gradient": 10, "no-progress": 10, "random-start": 1}
    found = diagnose(counts, 10, collapsed=True)
    assert [(sign.flag, sign.level) for sign in found] == [("collapsed", "warning")]
    found = diagnose({**counts, "outside-ball": 1}, 10, collapsed=True)
    assert [sign.flag for sign in found] == ["outside-ball", "collapsed"]


def test_a_constant_model_is_called_collapsed_from_its_result_alone():
    def constant(pixels):
        return torch.tensor([1.0, 0.0, 0.0]) + 0 * pixels.sum((1, 2, 3))[:, None]

    labels = torch.arange(40) % 3
    result = run_attack(constant, PIXELS, labels, attack="pgd-20", eps=EPS)
    assert result.robust_accuracy == pytest.approx(14 / 40)
    assert [sign.flag for sign in result.signs] == ["collapsed"]


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("size", ["small", "large"])
@pytest.mark.parametrize("attack", ["pgd-20", "apgd-ce+t"])
def test_honest_models_robust_or_not_raise_no_warning(attack, size, norm):
    eps = {"linf": ("0.3/255", "8/255"), "l2": (0.01, 0.4)}[norm][size == "large"]
    for model in (MODEL, RowByRow(), RowByRow(classes=2)):
        result = flags_of(model, attack, eps=eps, norm=norm)
        assert [sign for sign in result.signs if sign.level != "note"] == []
        stood = result.status.count("survived")
        assert stood <= 8 if size == "large" else stood >= 20


def test_an_honest_clip_raises_no_warning_under_all_kinds_of_attack():
    classifier = tiny_classifier()
    pixels, labels = random_images(24, classifier)
    cascade = (APGD("apgd-ce", steps=20), PGD("pgd"), Square("square", queries=40))
    for eps in ("0.25/255", "2/255"):
        result = run_attack(classifier, pixels, labels, attack=cascade, eps=eps)
        assert [sign for sign in result.signs if sign.level != "note"] == []
