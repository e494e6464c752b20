import pytest
from statsmodels.stats.contingency_tables import mcnemar as reference

from zsrobust.errors import InputError
from zsrobust.records.paired import least_difference, mcnemar


def two_models(only_a: int, only_b: int, both: int = 20, neither: int = 20):
    pairs = [(True, False)] * only_a + [(False, True)] * only_b
    pairs += [(True, True)] * both + [(False, False)] * neither
    return (
        {f"i{i}": a for i, (a, _) in enumerate(pairs)},
        {f"i{i}": b for i, (_, b) in enumerate(pairs)},
    )


@pytest.mark.parametrize(("only_a", "only_b", "p"), [(30, 15, 0.036), (12, 3, 0.035)])
def test_printed_examples_come_out(only_a, only_b, p):
    found = mcnemar(*two_models(only_a, only_b))
    assert round(found.p_value, 3) == p
    assert (found.only_a, found.only_b, found.n) == (only_a, only_b, only_a + only_b + 40)


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 1), (7, 7), (0, 9), (40, 61)])
def test_p_values_agree_with_statsmodels_and_ignore_the_order_of_models(only_a, only_b):
    a, b = two_models(only_a, only_b)
    expected = reference([[20, only_a], [only_b, 20]], exact=True).pvalue
    assert mcnemar(a, b).p_value == pytest.approx(expected, abs=1e-12)
    assert mcnemar(b, a).p_value == pytest.approx(expected, abs=1e-12)


def test_models_that_agree_everywhere_are_not_told_apart():
    assert mcnemar(*two_models(0, 0)).p_value == 1.0


def test_images_that_only_one_model_saw_do_not_count():
    a, b = two_models(3, 1, both=2, neither=0)
    found = mcnemar({**a, "x": True, "y": True}, {**b, "z": True})
    assert (found.n, found.only_a, found.only_b) == (6, 3, 1)
    assert found.difference == pytest.approx(2 / 6)


def test_runs_without_a_common_image_are_refused():
    with pytest.raises(InputError, match=r"\(1 and 2 images\) share no image"):
        mcnemar({"a": True}, {"b": True, "c": False})


@pytest.mark.parametrize("discordant", range(6, 60, 7))
def test_the_least_difference_is_the_smallest_that_the_test_can_show(discordant):
    least = least_difference(100, discordant)
    only_b = next(k for k in range(discordant // 2, -1, -1) if splits(discordant, k) < 0.05)
    assert least == pytest.approx((discordant - 2 * only_b) / 100)


def splits(discordant: int, only_b: int) -> float:
    return mcnemar(*two_models(discordant - only_b, only_b)).p_value


def test_five_images_that_differ_can_show_nothing_and_six_only_all_to_one_side():
    assert least_difference(100, 5) is None
    assert least_difference(100, 0) is None
    assert least_difference(100, 6) == pytest.approx(0.06)


@pytest.mark.parametrize(("n", "discordant"), [(0, 0), (5, 6), (5, -1)])
def test_counts_that_do_not_fit_are_refused(n, discordant):
    with pytest.raises(InputError, match="cannot differ"):
        least_difference(n, discordant)
