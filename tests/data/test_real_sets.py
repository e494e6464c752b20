"""The sets beside the checkout, as they are; skipped where they are absent."""

import numpy as np
import pytest

from zsrobust.data.catalogue import load_dataset
from zsrobust.data.check import check_dataset
from zsrobust.data.pixels import read_pixels

SETS = {
    ("cifar10", "test"): (2000, 10, "subset"),
    ("cifar100", "test"): (500, 100, "subset"),
    ("caltech101", "test"): (505, 101, "miniature"),
    ("imagenet1k", "test"): (1000, 1000, "miniature"),
    ("cars", "test"): (392, 196, "miniature"),
    ("pets", "test"): (370, 37, "miniature"),
    ("dtd", "test"): (200, 47, "miniature"),
    ("tinyimagenet", "test"): (2000, 200, "subset"),
    ("tinyimagenet", "train"): (43000, 200, "subset"),
    ("tinyimagenet", "val"): (2000, 200, "subset"),
}


@pytest.mark.parametrize(("name", "split"), SETS)
def test_a_real_set_has_its_counts_and_decodes(shared_data, name, split):
    dataset = load_dataset(name, split=split, data_root=shared_data)
    assert (len(dataset), len(dataset.class_names), dataset.variant) == SETS[name, split]
    assert len(set(dataset.ids)) == len(dataset)
    assert min(dataset.labels) >= 0 and max(dataset.labels) < len(dataset.class_names)
    assert all(template.count("{}") == 1 for template in dataset.templates)
    assert dataset.notes
    pixels = read_pixels(dataset, range(8), 56)
    assert pixels.shape == (8, 3, 56, 56)
    assert 0 <= float(pixels.min()) < 0.3 and 0.7 < float(pixels.max()) <= 1


@pytest.mark.parametrize(
    ("name", "a_class"), [("cifar10", 200), ("cifar100", 5), ("pets", 10), ("imagenet1k", 1)]
)
def test_classes_are_as_large_as_the_set_says(shared_data, name, a_class):
    counts = np.bincount(load_dataset(name, data_root=shared_data).labels)
    assert set(counts) == {a_class}


def test_what_is_held_out_of_tinyimagenet_is_never_trained_on(shared_data):
    parts = {
        split: load_dataset("tinyimagenet", split=split, data_root=shared_data)
        for split in ("train", "val", "test")
    }
    assert not set(parts["train"].ids) & set(parts["val"].ids)
    assert set(np.bincount(parts["val"].labels)) == {10}
    assert set(np.bincount(parts["train"].labels)) == {215}
    assert len({part.class_names for part in parts.values()}) == 1
    assert len({part.templates for part in parts.values()}) == 1


def test_loading_twice_gives_the_same_hash_and_pixels(shared_data):
    first, again = (load_dataset("cifar10", data_root=shared_data) for _ in range(2))
    assert first.variant_hash() == again.variant_hash()
    assert read_pixels(first, range(4), 56).equal(read_pixels(again, range(4), 56))


@pytest.mark.parametrize(("name", "split"), [each for each in SETS if each[1] != "train"])
def test_a_real_set_is_found_sound_by_a_check_of_every_image(shared_data, name, split):
    report = check_dataset(name, split=split, data_root=shared_data)
    assert report.faults == ()
    assert (report.n, report.images.decoded) == (SETS[name, split][0],) * 2
    assert report.images.unreadable == ()


def test_flickr8k_has_five_captions_an_image_and_no_classes(shared_data):
    report = check_dataset("flickr8k", split="train", data_root=shared_data)
    assert report.sound and (report.n, report.variant) == (690, "miniature")
    assert (report.per_image.least, report.per_image.most, report.per_image.total) == (5, 5, 3450)
    assert report.classes == 0 and report.per_class is None


def test_the_training_images_are_found_sound_by_a_sample(shared_data):
    report = check_dataset("tinyimagenet", split="train", data_root=shared_data, sample=2000)
    assert report.sound and report.images.decoded == 2000
