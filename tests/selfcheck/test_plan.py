"""How large a self-check is made."""

from dataclasses import replace

import pytest

from zsrobust.errors import SettingsError
from zsrobust.selfcheck.plan import Pilot, Plan, estimate, fit

KEPT = ((1 / 255, 0.9), (2 / 255, 0.7), (4 / 255, 0.5))
FAST = Pilot(0.0001, 0.0003, 0.0006, 0.0003, KEPT)


def test_a_short_time_gives_the_least_and_a_long_one_the_most():
    least, most = fit(FAST, 0.1, Plan(), 1000), fit(FAST, 1e5, Plan(), 1000)
    assert (least.n, least.queries) == (64, 500)
    assert (most.n, most.queries) == (200, 5000)


def test_between_them_the_plan_fills_the_time_and_no_more():
    for seconds in (10, 20, 40, 60):
        plan = fit(FAST, seconds, Plan(), 1000)
        assert 64 <= plan.n <= 200 and 500 <= plan.queries <= 5000
        assert 0.7 * seconds < estimate(plan, FAST) <= seconds


def test_there_are_never_more_images_than_there_are():
    assert fit(FAST, 1e5, Plan(), 20).n == 20


def test_a_precision_too_slow_for_a_paired_test_is_left_out():
    slow = replace(FAST, fp16=1.0)
    plan = fit(slow, 60, Plan(), 1000)
    assert (plan.bf16_images, plan.fp16_images) == (32, 0)


def test_a_model_that_keeps_less_takes_less():
    fragile = replace(FAST, kept=((1 / 255, 0.3), (4 / 255, 0.0)))
    assert estimate(Plan(), fragile) < 0.6 * estimate(Plan(), FAST)


def test_attacks_are_expected_to_be_compared_where_enough_is_kept():
    assert FAST.close_share(64) == 0.5
    assert FAST.close_share(10) == 0.9
    assert FAST.share(8 / 255) == pytest.approx(0.25)


def test_a_radius_takes_its_place_on_the_curve_once():
    assert Plan().with_radius("3/255").radii[:5] == ("0", "1/255", "2/255", "3/255", "4/255")
    assert Plan().with_radius("8/510") == Plan()
    assert Plan().radius_of("8/510") == "4/255"


@pytest.mark.parametrize(
    "radii",
    [
        ("0", "255/255"),
        ("0", "4/255", "1/255", "255/255"),
        ("1/255", "4/255", "255/255"),
        ("0", "4/255", "8/255"),
    ],
)
def test_a_curve_must_run_from_the_clean_image_to_the_whole_box(radii):
    with pytest.raises(SettingsError, match="ascending, from 0 to"):
        Plan(radii=radii)
