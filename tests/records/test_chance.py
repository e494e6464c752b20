import pytest

from zsrobust.errors import InputError
from zsrobust.records.chance import chance, collapse_reason, largest_share
from zsrobust.records.intervals import rate


def test_chance_is_the_largest_class_share_not_one_over_the_number_of_classes():
    assert chance([0, 0, 0, 1, 2]) == 0.6


def test_ties_between_classes_go_to_the_smaller_number():
    assert largest_share([5, 2, 2, 5]) == (2, 0.5)


def test_no_images_have_no_largest_share():
    with pytest.raises(InputError):
        largest_share([])


def test_a_model_well_above_chance_that_uses_its_classes_has_not_collapsed():
    assert collapse_reason([0, 1] * 50, rate(90, 100), 0.5) is None


def test_one_class_over_nine_tenths_of_the_predictions_is_a_collapse():
    assert collapse_reason([3] * 90 + [1] * 10, rate(99, 100), 0.5) is None
    reason = collapse_reason([3] * 91 + [1] * 9, rate(99, 100), 0.5)
    assert reason == "class 3 takes 91.0 % of the clean predictions"


def test_accuracy_whose_interval_holds_chance_is_a_collapse_and_the_reason_shows_the_numbers():
    reason = collapse_reason([0, 1, 2, 3] * 25, rate(27, 100), 0.25)
    assert reason == (
        "clean accuracy 27.0 % (95 % interval 19.3 % to 36.4 %, n = 100) "
        "is not above chance (25.0 %)"
    )


def test_accuracy_below_chance_is_a_collapse_too():
    reason = collapse_reason([0, 1] * 50, rate(5, 100), 0.5)
    assert reason is not None
    assert "lies below chance" in reason


def test_both_reasons_are_given_where_both_hold():
    reason = collapse_reason([0] * 100, rate(50, 100), 0.5)
    assert reason is not None
    assert reason.count(";") == 1


def test_without_labels_only_the_predictions_can_tell():
    assert collapse_reason([0, 1] * 50, None, None) is None
    assert collapse_reason([0] * 100, None, None) is not None
