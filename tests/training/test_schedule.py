import pytest

from zsrobust.training.schedule import learning_rate

BASE, WARMUP, TOTAL = 1e-5, 1000, 50_050


@pytest.mark.parametrize(
    ("step", "expected"),
    [(0, BASE / WARMUP), (499, BASE / 2), (999, BASE), (1000, BASE), (25_525, BASE / 2)],
)
def test_trap_learning_rate_at_steps_0_999_1000_and_between(step, expected):
    assert learning_rate(step, BASE, WARMUP, TOTAL) == pytest.approx(expected, rel=1e-12)


def test_trap_learning_rate_at_the_last_step_is_small_but_not_zero():
    assert learning_rate(TOTAL - 1, 1.0, WARMUP, TOTAL) == pytest.approx(1.03e-9, rel=0.01)
    assert learning_rate(3_909, 1.0, WARMUP, 3_910) == pytest.approx(2.9e-7, rel=0.01)


def test_without_warm_up_the_first_update_has_the_whole_rate():
    assert learning_rate(0, 0.1, 0, 10) == 0.1


def test_a_warm_up_longer_than_the_training_never_reaches_the_rate():
    assert [learning_rate(k, 1.0, 10, 3) for k in range(3)] == [0.1, 0.2, 0.3]
