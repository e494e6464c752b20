import threading

import pytest

from zsrobust.training.reading_ahead import reading_ahead


def test_every_step_is_given_once_and_in_order():
    read = []

    def noted(step):
        read.append(step)
        return 10 * step

    with reading_ahead(noted, range(3, 7)) as share_of:
        assert [share_of(step) for step in range(3, 7)] == [30, 40, 50, 60]
    assert read == [3, 4, 5, 6]


def test_the_next_step_is_read_while_the_present_one_is_worked_on():
    begun = [threading.Event() for _ in range(3)]

    def noted(step):
        begun[step].set()
        return step

    with reading_ahead(noted, range(3)) as share_of:
        assert share_of(0) == 0
        assert begun[1].wait(10)
        assert not begun[2].is_set()


def test_what_reading_raises_is_raised_at_its_own_step():
    def fails_at_one(step):
        if step == 1:
            raise ValueError("step 1")
        return step

    with reading_ahead(fails_at_one, range(3)) as share_of:
        assert share_of(0) == 0
        with pytest.raises(ValueError, match="step 1"):
            share_of(1)


def test_a_run_that_ends_early_keeps_its_own_fault_and_leaves_no_thread():
    def fails_at_one(step):
        if step == 1:
            raise ValueError("never asked for")
        return step

    with (
        pytest.raises(KeyboardInterrupt),
        reading_ahead(fails_at_one, range(3)) as share_of,
    ):
        share_of(0)
        raise KeyboardInterrupt
    assert not [each for each in threading.enumerate() if each.name.startswith("reading")]


def test_nothing_is_read_where_no_step_is_left():
    read = []
    with reading_ahead(read.append, range(5, 5)):
        pass
    assert read == []
