"""Defences that hide their gradients are named; honest models, robust or not, are not."""

import pytest
import torch
from tests.selfcheck import victims
from tests.selfcheck.victims import TINY, images

from zsrobust.attacks.randomised import Randomised
from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.data.catalogue import load_dataset
from zsrobust.data.pixels import read_pixels
from zsrobust.models.load import load_model
from zsrobust.selfcheck.plan import Plan
from zsrobust.selfcheck.run import selfcheck

CLEAR, FAINT = images(10, 40), images(0.5, 3)
"""Patterns that 4/255 does not overturn, and patterns that it does."""


def check(classifier, pixels_and_labels, plan=TINY, **settings):
    return selfcheck(classifier, *pixels_and_labels, plan=plan, **settings)


def named(result, name):
    return next(each for each in result.checks if each.name == name)


@pytest.mark.parametrize("data", [CLEAR, FAINT], ids=["robust", "fragile"])
def test_an_honest_model_robust_or_not_raises_no_warning(data):
    result = check(victims.linear(scale=3.0), data)
    assert result.flags == ()
    assert result.verdict.line == "no sign of masking"


def test_an_honest_curve_falls_from_clean_accuracy_to_nothing():
    result = check(victims.linear(scale=3.0), CLEAR)
    kept = [sum(trial.kept) for trial in result.curve]
    assert kept[0] == 40 and kept == sorted(kept, reverse=True) and kept[-1] == 0
    assert 0 < kept[5] < 40  # 16/255 lies between the faintest and the strongest pattern


def test_an_adversarially_trained_network_raises_no_warning():
    result = check(victims.adversarially_trained(*CLEAR), CLEAR)
    assert result.verdict.kind == "clear"
    assert named(result, "larger eps, fewer kept").level == "fine"
    assert sum(result.curve[3].kept) > 30  # 4/255


def test_the_bundled_undefended_model_raises_no_warning():
    dataset = load_dataset("scenes-shapes").first(20)
    model = load_model("scenes-tiny", "cpu")
    pixels = read_pixels(dataset, range(20), model.image_size)
    plan = Plan(
        n=20, queries=30, steps=5, apgd_steps=6, more_steps=8, restarts=1, batches=(1, 8),
        radii=("0", "1/255", "4/255", "255/255"), bf16_images=0, fp16_images=0,
    )  # fmt: skip
    classifier = classifier_of(model, dataset.class_names, dataset.templates)
    result = check(classifier, (pixels, torch.tensor(dataset.labels)), plan, ids=dataset.ids)
    assert result.verdict.line == "no sign of masking"
    assert result.flags == ()
    assert sum(result.curve[2].kept) <= 1  # it is not robust, and that is no sign of anything


@pytest.mark.parametrize("data", [CLEAR, FAINT], ids=["robust", "fragile"])
def test_saturated_logits_are_named_by_their_zero_gradients(data):
    result = check(victims.saturated(), data)
    assert "zero-gradient" in result.flags
    assert result.verdict.line.startswith("masked: zero gradients")


def test_saturated_logits_make_cross_entropy_weaker_than_the_margin():
    result = check(victims.saturated(), FAINT)
    assert "losses-disagree" in result.flags
    trials = {trial.name: sum(trial.kept) for trial in result.looks}
    assert trials["pgd-ce"] == 40 > trials["pgd-margin"] == trials["apgd-dlr"]
    assert named(result, "PGD: CE, margin").p_value < 0.01


def test_quantised_input_is_named_by_its_zero_gradients_and_by_the_whole_box():
    result = check(victims.quantised(), CLEAR)
    assert {"zero-gradient", "kept-in-whole-box"} <= set(result.flags)
    assert result.verdict.line.startswith("masked: zero gradients")


def test_square_overturns_what_quantisation_hides():
    result = check(victims.quantised(), CLEAR, eps="64/255")
    assert "square-breaks" in result.flags


def test_input_that_autograd_cannot_follow_is_named_and_still_attacked_by_square():
    result = check(victims.detached(), CLEAR, eps="64/255")
    assert result.flags == ("no-gradient",)
    assert result.verdict.line == "masked: no gradient"
    assert [trial.name for trial in result.looks] == ["square"]
    assert sum(result.looks[0].kept) < 40


@pytest.mark.parametrize("defence", [victims.resizing, victims.noisy])
def test_random_input_is_invalid_without_averaging(defence):
    result = check(defence(), CLEAR)
    assert named(result, "asked again").level == "invalid"
    assert "randomised" in result.flags
    assert result.verdict.line.startswith("masked: randomised")


def test_random_input_attacked_by_averaging_is_no_sign():
    averaged = Randomised(victims.noisy(0.02), samples=3, votes=3)
    plan = Plan(**{**TINY.__dict__, "n": 20, "queries": 20, "steps": 5, "restarts": 1})
    assert "randomised" not in check(averaged, CLEAR, plan).flags


def test_logits_that_depend_on_the_batch_are_invalid():
    result = check(victims.batch_dependent(), CLEAR)
    assert "batch-dependent" in result.flags
    assert result.verdict.line.startswith("masked: answers depend on the batch")


def test_probabilities_are_named():
    honest = victims.linear(scale=3.0)
    result = check(lambda pixels: honest(pixels).softmax(1), CLEAR)
    assert "probabilities" in result.flags


def test_a_constant_model_is_named_collapsed_before_all_else():
    result = check(victims.constant(), CLEAR)
    assert result.verdict.line == "collapsed: class 1 takes 100.0 % of the clean predictions"
    assert result.flags == ("collapsed",)
    assert sum(result.curve[-1].kept) == 10  # kept even at 255/255, as only a constant may


def test_a_constant_without_gradient_is_collapsed_too():
    logits = torch.eye(4)[0]
    result = check(lambda pixels: logits.expand(len(pixels), 4), CLEAR)
    assert result.verdict.kind == "collapsed"


def test_a_model_that_is_always_wrong_is_collapsed():
    pixels, labels = CLEAR
    result = check(victims.linear(scale=3.0), (pixels, (labels + 1) % 4))
    assert result.verdict.kind == "collapsed"
    assert "lies below chance" in result.verdict.line


def test_too_few_images_leave_it_undecided():
    pixels, labels = CLEAR
    result = check(victims.linear(scale=3.0), (pixels[:12], labels[:12]))
    assert result.verdict.kind == "undecided"
    assert "12 images right when clean, at least 16 needed" in result.verdict.line
    assert named(result, "PGD: CE, margin").level == "open"


def test_logits_that_overflow_under_attack_leave_it_undecided():
    honest = victims.linear(scale=3.0)

    def breaks(pixels):
        far = (pixels - 0.5).abs().amax((1, 2, 3)) > 0.4
        return honest(pixels) / (~far[:, None]).float()

    result = check(breaks, CLEAR)
    assert "not-finite" in result.flags
    assert result.verdict.kind == "undecided"
