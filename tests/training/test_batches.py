"""What a batch has of its images: pixels, labels or none, and one caption of several."""

from collections import Counter
from dataclasses import replace

import pytest
import torch
from tests.training.small_training import colours, recipe, run, weights

from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.testing.tiny_clip import tiny_clip
from zsrobust.training.batches import read_batch
from zsrobust.training.order import epoch_of


@pytest.fixture(scope="module")
def classifier():
    return classifier_of(tiny_clip(), ("red", "green", "blue"))


def captioned(count=6, several=5):
    return replace(
        colours(count),
        labels=None,
        captions=lambda i: tuple(f"{i}-{number}" for number in range(several)),
    )


def captions(classifier, turn, data=None, positions=range(6)):
    return read_batch(recipe(), classifier, data or captioned(), positions, turn).captions


def test_unlabelled_images_have_labels_of_minus_1_and_labelled_ones_no_captions(classifier):
    assert read_batch(recipe(), classifier, captioned(), [0, 2]).labels.tolist() == [-1, -1]
    batch = read_batch(recipe(), classifier, colours(), [0, 2])
    assert (batch.labels.tolist(), batch.captions) == ([0, 2], None)


def test_captions_come_in_turn_so_that_each_is_seen_equally_often(classifier):
    seen = Counter(c for epoch in range(10) for c in captions(classifier, (0, epoch)))
    assert set(seen.values()) == {2} and len(seen) == 6 * 5


def test_the_first_caption_is_drawn_by_seed_and_image_and_not_by_the_batch(classifier):
    first = captions(classifier, (0, 0))
    assert first == captions(classifier, (0, 0))
    assert first[3:4] == captions(classifier, (0, 0), positions=[3])
    assert first != captions(classifier, (1, 0))
    assert len({caption.split("-")[1] for caption in first}) > 1


def test_an_only_caption_is_taken_at_every_turn(classifier):
    only = captioned(several=1)
    assert captions(classifier, (0, 0), only) == captions(classifier, (3, 7), only)


def test_an_epoch_ends_after_its_last_smaller_batch():
    assert [epoch_of(step, 20, 8) for step in range(7)] == [0, 0, 0, 1, 1, 1, 2]


def cut(line):
    if line.step == 4:
        raise KeyboardInterrupt


CAPTIONS = {"kind": "tecoa", "settings": {"texts": "captions", "direction": "symmetric"}}


def test_what_no_cache_on_disk_holds_is_in_the_state_though_the_recipe_names_one(tmp_path):
    """A caption embedded anew, in another batch, has other last bits."""
    chosen = recipe(
        objective=CAPTIONS, steps=7, batch_size=4, checkpoint_every=4,
        frozen_cache=str(tmp_path / "cache"),
    )  # fmt: skip
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "run", chosen, dataset=captioned(), on_step=cut)
    (state,) = (tmp_path / "run" / "state").iterdir()
    assert len(torch.load(state, weights_only=True)["memory_keys"]) == 6 * 2


def test_a_training_on_captions_is_resumed_with_the_same_captions_and_bits(tmp_path):
    chosen = recipe(objective=CAPTIONS, steps=7, batch_size=4)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "cut", chosen, dataset=captioned(), on_step=cut)
    whole = run(tmp_path / "whole", chosen, dataset=captioned())
    assert weights(run(tmp_path / "cut", chosen, dataset=captioned())) == weights(whole)
