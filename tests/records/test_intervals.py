import pytest
from statsmodels.stats.proportion import proportion_confint

from zsrobust.errors import InputError
from zsrobust.records.intervals import Interval, Rate, rate, wilson


@pytest.mark.parametrize("n", [1, 2, 7, 100, 2000])
def test_wilson_agrees_with_statsmodels(n):
    for successes in sorted({0, 1, n // 3, n // 2, n - 1, n}):
        low, high = proportion_confint(successes, n, alpha=0.05, method="wilson")
        found = wilson(successes, n)
        assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)


@pytest.mark.parametrize(
    ("n", "at_5", "at_30", "at_50"),
    [
        (100, (2.2, 11.2), (21.9, 39.6), (40.4, 59.6)),
        (500, (3.4, 7.3), (26.1, 34.2), (45.6, 54.4)),
        (1000, (3.8, 6.5), (27.2, 32.9), (46.9, 53.1)),
        (2000, (4.1, 6.0), (28.0, 32.0), (47.8, 52.2)),
        (5000, (4.4, 5.6), (28.7, 31.3), (48.6, 51.4)),
        (10000, (4.6, 5.4), (29.1, 30.9), (49.0, 51.0)),
    ],
)
def test_wilson_gives_the_percentages_of_a_printed_table(n, at_5, at_30, at_50):
    for percent, expected in ((5, at_5), (30, at_30), (50, at_50)):
        found = wilson(n * percent // 100, n)
        assert (round(100 * found.low, 1), round(100 * found.high, 1)) == expected


def test_intervals_touch_the_edges_exactly_and_never_pass_them():
    for n in (1, 3, 49, 1000, 12345):
        assert wilson(0, n).low == 0.0
        assert wilson(n, n).high == 1.0


def test_both_ends_lie_in_an_interval():
    assert 0.2 in Interval(0.2, 0.4)
    assert 0.4 in Interval(0.2, 0.4)
    assert 0.41 not in Interval(0.2, 0.4)


def test_a_rate_carries_its_n_and_interval():
    assert rate(3, 4) == Rate(0.75, 4, wilson(3, 4))


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (5, 3), (-1, 3)])
def test_impossible_counts_are_refused(successes, n):
    with pytest.raises(InputError, match=f"{successes} of {n}"):
        rate(successes, n)
