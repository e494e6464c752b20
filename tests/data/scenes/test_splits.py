"""Splits share no scene, and every attribute is balanced and independent of the others."""

from collections import Counter
from itertools import combinations

import pytest

from zsrobust.data.scenes import SPLITS, describe, scene_ids
from zsrobust.data.scenes.world import BACKGROUNDS, COLOURS, POSITIONS, SHAPES, SIZES, TEXTURES
from zsrobust.errors import DataError, UnknownNameError

VOCABULARY = {
    "shape": SHAPES,
    "colour": COLOURS,
    "texture": TEXTURES,
    "background": BACKGROUNDS,
    "size": SIZES,
    "position": POSITIONS,
}


@pytest.fixture(scope="module")
def attributes():
    return [describe(scene_id).attributes for scene_id in scene_ids("test")]


def test_the_splits_have_their_sizes():
    sizes = {split: len(scene_ids(split)) for split in SPLITS}
    assert sizes == {"pretrain": 100_000, "train": 20_000, "val": 2_000, "test": 10_000}


def test_no_two_splits_share_a_number():
    for first, second in combinations(SPLITS.values(), 2):
        assert first.stop <= second.start or second.stop <= first.start


def test_no_two_splits_share_a_scene():
    seen = {
        split: {
            (scene.attributes, scene.centre, scene.radius, scene.tilt)
            for scene in map(describe, scene_ids(split)[:2000])
        }
        for split in SPLITS
    }
    for first, second in combinations(seen.values(), 2):
        assert not first & second


@pytest.mark.parametrize("name", VOCABULARY)
def test_every_value_of_an_attribute_is_equally_frequent(attributes, name):
    counts = Counter(getattr(some, name) for some in attributes)
    names = VOCABULARY[name]
    assert set(counts) == set(names)
    expected = len(attributes) / len(names)
    # Five standard deviations of a binomial count.
    spread = (expected * (1 - 1 / len(names))) ** 0.5
    assert all(abs(count - expected) < 5 * spread for count in counts.values())


@pytest.mark.parametrize(("first", "second"), list(combinations(VOCABULARY, 2)))
def test_no_attribute_tells_another(attributes, first, second):
    pairs = Counter((getattr(some, first), getattr(some, second)) for some in attributes)
    cells = len(VOCABULARY[first]) * len(VOCABULARY[second])
    expected = len(attributes) / cells
    assert len(pairs) == cells
    statistic = sum((count - expected) ** 2 / expected for count in pairs.values())
    # A chi-square of `cells` degrees has mean `cells` and variance twice that.
    assert statistic < cells + 5 * (2 * cells) ** 0.5


@pytest.mark.parametrize(
    "scene_id",
    ["scenes/test/000000", "scenes/test/12200", "scenes/test/122000/x", "cifar10/test/122000", ""],
)
def test_an_id_that_names_no_scene_is_refused_with_the_id(scene_id):
    with pytest.raises(DataError, match="scene"):
        describe(scene_id)


def test_an_unknown_split_is_refused_with_the_nearest_name():
    with pytest.raises(UnknownNameError, match="train"):
        describe("scenes/trian/100000")
    with pytest.raises(UnknownNameError, match="tset"):
        scene_ids("tset")
