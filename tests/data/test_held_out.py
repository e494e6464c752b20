import hashlib

import numpy as np
import pytest
from tests.data.small_sets import parquet_rows, picture, write_parquet

from zsrobust.data.catalogue import dataset_entry, load_dataset
from zsrobust.data.class_lists import class_list
from zsrobust.data.held_out import held_out
from zsrobust.data.readers.images import ReadRequest
from zsrobust.testing.miniature_wordnet import write_tinyimagenet


@pytest.fixture
def root(tmp_path):
    """Tiny-ImageNet's training part as parquet: two classes of 15 images, in two files."""
    place = tmp_path / "tinyimagenet" / "data"
    write_parquet(place / "train-00000-of-00002.parquet", parquet_rows(0, 16))
    write_parquet(place / "train-00001-of-00002.parquet", parquet_rows(16, 14))
    return tmp_path


def load(root, split):
    return load_dataset("tinyimagenet", split=split, data_root=root)


def test_the_ten_smallest_hashes_of_each_class_are_held_out(root):
    train, val = load(root, "train"), load(root, "val")
    assert (len(train), len(val)) == (10, 20)
    assert not set(train.ids) & set(val.ids)
    odd = sorted(
        (f"n{i:03d}.png" for i in range(1, 30, 2)),
        key=lambda sample: hashlib.sha256(sample.encode()).hexdigest(),
    )
    labels = dict(zip(val.ids, val.labels, strict=True))
    assert {sample for sample in val.ids if labels[sample] == 1} == set(odd[:10])
    position = train.ids.index(odd[-1])
    assert np.array_equal(
        np.asarray(train.read(position)), np.asarray(picture(int(odd[-1][1:4]), (64, 64)))
    )


def test_what_is_held_out_does_not_depend_on_the_order_of_the_rows():
    ids = [f"{i}.jpg" for i in range(60)]
    labels = [i % 3 for i in range(60)]
    straight = {ids[i] for i in held_out(ids, labels)}
    backwards = {ids[::-1][i] for i in held_out(ids[::-1], labels[::-1])}
    assert straight == backwards
    assert len(straight) == 30


def test_parts_are_official_only_out_of_all_training_images(root, monkeypatch):
    assert {load(root, split).variant for split in ("train", "val")} == {"subset"}
    entry = dataset_entry("tinyimagenet")
    small = {
        name: each.model_copy(update={"count": {"train": 10, "val": 20, "test": 5}[name]})
        for name, each in entry.splits.items()
    }
    whole = entry.model_copy(update={"splits": small})
    monkeypatch.setattr("zsrobust.data.catalogue.dataset_entry", lambda name: whole)
    assert {load(root, split).variant for split in ("train", "val")} == {"official"}


def test_the_official_folder_is_divided_alike(tmp_path):
    wnids = class_list("tinyimagenet.wnids")
    folder = tmp_path / "tiny-imagenet-200"
    write_tinyimagenet(folder, "train", ReadRequest("tinyimagenet", 200, wnids))
    train, val = load(tmp_path, "train"), load(tmp_path, "val")
    assert set(np.bincount(train.labels)) == {2}
    assert set(np.bincount(val.labels)) == {10}
    ids = sorted([*train.ids, *val.ids])
    labels = [wnids.index(name.partition("_")[0]) for name in ids]
    assert {ids[i] for i in held_out(ids, labels)} == set(val.ids)
    assert (
        train.class_names[train.labels[0]]
        == (class_list("tinyimagenet.openai")[wnids.index(train.ids[0].partition("_")[0])])
    )
