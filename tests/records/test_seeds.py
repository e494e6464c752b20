import pytest
from scipy.stats import ttest_ind

from zsrobust.errors import InputError
from zsrobust.records.seeds import least_seed_difference, pooled, spread


def test_a_spread_has_the_mean_and_the_deviation_of_a_sample():
    over = spread([0.1, 0.2, 0.6])
    assert (over.mean, over.seeds) == (pytest.approx(0.3), 3)
    assert over.sd == pytest.approx(((0.2**2 + 0.1**2 + 0.3**2) / 2) ** 0.5)


def test_pooling_weighs_each_method_by_its_degrees_of_freedom():
    sd, degrees = pooled([spread([0.0, 0.2]), spread([0.1, 0.1, 0.4])])
    assert degrees == 3
    assert sd == pytest.approx(((0.02 * 1 + 0.03 * 2) / 3) ** 0.5)


def test_two_methods_that_far_apart_are_on_the_edge_of_a_t_test():
    one, other = [0.40, 0.42, 0.45], [0.30, 0.35, 0.33]
    sd, degrees = pooled([spread(one), spread(other)])
    least = least_seed_difference(sd, degrees, 3)
    assert degrees == 4
    assert least == pytest.approx(2.776 * sd * (2 / 3) ** 0.5, rel=1e-3)
    shift = spread(other).mean + least - spread(one).mean
    assert ttest_ind([value + shift for value in one], other).pvalue == pytest.approx(0.05)


def test_one_seed_has_no_spread():
    with pytest.raises(InputError, match="1 seed has no spread"):
        spread([0.5])
    with pytest.raises(InputError, match="No method has two seeds"):
        pooled([])
