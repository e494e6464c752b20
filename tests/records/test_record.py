import math

import pytest
from tests.records.sample_runs import EPS, image, outcome

from zsrobust.errors import RunError
from zsrobust.records.record import outcomes_at, survives


def test_an_image_survives_when_it_is_right_clean_and_under_every_attack():
    assert survives(image("a", 1, 1, outcome(1), outcome(1, name="square")), EPS)


def test_one_lost_attack_is_enough_whatever_the_others_say():
    assert not survives(image("a", 1, 1, outcome(1), outcome(2), outcome(1)), EPS)


def test_an_image_that_is_wrong_clean_survives_nothing_even_if_an_attack_rights_it():
    assert not survives(image("a", 1, 2, outcome(1)), EPS)
    assert not survives(image("a", 1, 2), EPS)


def test_an_attack_that_did_not_run_is_not_survived():
    assert not survives(image("a", 1, 1, outcome(1, ran=False)), EPS)


def test_each_eps_is_judged_by_its_own_attacks():
    record = image("a", 1, 1, outcome(1), outcome(0, eps=4 / 255))
    assert survives(record, EPS)
    assert not survives(record, 4 / 255)
    assert [attack.prediction for attack in outcomes_at(record, 4 / 255)] == [0]


def test_asking_for_an_eps_that_was_never_attacked_is_refused():
    with pytest.raises(RunError, match=r"'a' was not attacked at eps = 0\.5.*0\.00392"):
        survives(image("a", 1, 1, outcome(1)), 0.5)


def test_the_worst_case_is_a_wrong_answer_before_any_right_one_then_the_largest_margin():
    record = image("a", 1, 1, outcome(1, 3.0), outcome(2, 0.1), outcome(0, 0.4), outcome(2, 0.4))
    assert (record.worst_prediction, record.worst_margin) == (0, 0.4)


def test_the_worst_case_of_an_image_nothing_overturned_is_its_thinnest_margin():
    record = image("a", 1, 1, outcome(1, -3.0), outcome(1, -0.2))
    assert (record.worst_prediction, record.worst_margin) == (1, -0.2)


def test_the_worst_case_of_an_image_never_attacked_is_the_clean_answer():
    record = image("a", 1, 2)
    assert (record.worst_prediction, record.worst_margin) == (2, 1.0)


def test_a_margin_that_is_not_a_number_is_the_worst_of_all():
    record = image("a", 1, 1, outcome(2, 9.0), outcome(0, math.nan), outcome(2, 10.0))
    assert record.worst_prediction == 0
    assert math.isnan(record.worst_margin)
