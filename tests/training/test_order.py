import pytest

from zsrobust.training.order import batch_positions, images_seen, steps_per_epoch


def test_an_epoch_holds_every_image_once_and_keeps_its_last_smaller_batch():
    batches = [batch_positions(step, 20, 8, seed=0) for step in range(steps_per_epoch(20, 8))]
    assert [len(batch) for batch in batches] == [8, 8, 4]
    assert sorted(i for batch in batches for i in batch) == list(range(20))


def test_the_order_is_a_function_of_seed_and_epoch_alone():
    late = batch_positions(4, 20, 8, seed=0)
    for step in (9, 0, 3):
        batch_positions(step, 20, 8, seed=1)
    assert batch_positions(4, 20, 8, seed=0) == late
    assert batch_positions(4, 20, 8, seed=1) != late
    assert batch_positions(1, 20, 8, seed=0) != late


@pytest.mark.parametrize(("count", "batch_size"), [(20, 8), (20, 5), (3, 8)])
def test_images_seen_is_the_sum_of_the_batches(count, batch_size):
    for steps in range(9):
        batches = (batch_positions(step, count, batch_size, 0) for step in range(steps))
        assert images_seen(steps, count, batch_size) == sum(len(batch) for batch in batches)
