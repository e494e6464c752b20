"""What trials are said to show."""

import pytest

from zsrobust.selfcheck.checks import (
    check_curve,
    check_pair,
    check_precision,
    check_square,
    check_whole_box,
)
from zsrobust.selfcheck.result import Trial

IDS = tuple(f"image-{i}" for i in range(64))


def keeps(count, eps="4/255", name="pgd-ce", **flags):
    return Trial(name, eps, tuple(i < count for i in range(64)), flags, 0.0)


def test_a_rise_counts_only_beyond_the_paired_test():
    curve = [keeps(60, "0"), keeps(20, "1/255")]
    assert check_curve(IDS, [*curve, keeps(27, "2/255")]).level == "fine"
    found = check_curve(IDS, [*curve, keeps(28, "2/255")])
    assert (found.level, found.flag) == ("warning", "rises-with-eps")
    assert found.p_value < 0.01
    assert found.says == "20 kept at 1/255, 28 at 2/255"


def test_a_rise_is_seen_over_several_radii():
    curve = [keeps(60, "0"), keeps(20, "1/255"), keeps(24, "2/255"), keeps(29, "4/255")]
    assert check_curve(IDS, curve).flag == "rises-with-eps"


def test_anything_kept_in_the_whole_box_is_a_sign():
    assert check_whole_box(keeps(0, "255/255"), 60).level == "fine"
    assert check_whole_box(keeps(1, "255/255"), 60).flag == "kept-in-whole-box"


def test_attacks_that_differ_on_eight_images_one_way_disagree():
    assert check_pair("x", IDS, keeps(40), keeps(33), 60, "more-steps").level == "fine"
    assert check_pair("x", IDS, keeps(40), keeps(32), 60, "more-steps").flag == "more-steps"


def test_fewer_than_sixteen_attacked_images_are_too_few_to_tell():
    assert check_pair("x", IDS, keeps(15), keeps(0), 15, "more-steps").level == "open"


@pytest.mark.parametrize(("left", "broken", "is_sign"), [(50, 2, False), (50, 3, True)])
def test_square_may_break_two_images(left, broken, is_sign):
    found = check_square(left, keeps(left - broken, name="square"), 500)
    assert (found.flag == "square-breaks") is is_sign


def test_a_weaker_attack_in_low_precision_is_a_note_and_a_stronger_one_a_sign():
    weaker = check_precision(IDS, "bf16", keeps(20), keeps(40), 0)
    stronger = check_precision(IDS, "bf16", keeps(40), keeps(20), 0)
    assert (weaker.level, stronger.level) == ("note", "warning")
    assert check_precision(IDS, "bf16", keeps(40), keeps(38), 3).level == "fine"


def test_zero_gradients_in_low_precision_are_noted_even_where_nothing_differs():
    silent = Trial("fp16", "4/255", keeps(40).kept, {"zero-gradient": 30}, 0.0)
    found = check_precision(IDS, "fp16", keeps(40), silent, 0)
    assert found.level == "note" and "30 zero gradients" in found.says


def test_a_precision_too_slow_to_attack_in_stays_open():
    assert check_precision((), "fp16", keeps(40), keeps(0), 0).level == "open"
