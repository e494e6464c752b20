import hashlib

import numpy as np
import pytest
from tests.data.small_sets import parquet_rows, picture, write_cifar10, write_parquet

from zsrobust.data.catalogue import dataset_entry, load_dataset
from zsrobust.data.readers.parquet import read_parquet
from zsrobust.data.readers.tinyimagenet import held_out, read_tinyimagenet
from zsrobust.errors import DataError


@pytest.fixture
def place(tmp_path):
    """Two classes, 15 and 15 images, in two files."""
    place = tmp_path / "tinyimagenet" / "data"
    write_parquet(place / "train-00000-of-00002.parquet", parquet_rows(0, 16))
    write_parquet(place / "train-00001-of-00002.parquet", parquet_rows(16, 14))
    return place


def load(tmp_path, split):
    return load_dataset("tinyimagenet", split=split, data_root=tmp_path)


def test_rows_of_all_files_are_read_in_order(place):
    images = read_parquet(place, "train")
    assert images.ids == tuple(f"n{i:03d}.png" for i in range(30))
    assert images.labels[:4] == (0, 1, 0, 1)
    assert images.class_names == ("n01", "n02")
    assert np.array_equal(np.asarray(images.read(20)), np.asarray(picture(20, (64, 64))))


def test_the_ten_smallest_hashes_of_each_class_are_held_out(place, tmp_path):
    train, val = load(tmp_path, "train"), load(tmp_path, "val")
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


def test_both_parts_are_official_only_out_of_all_training_images(place, tmp_path):
    entry = dataset_entry("tinyimagenet")
    assert {load(tmp_path, split).variant for split in ("train", "val")} == {"subset"}
    small = entry.model_copy(update={"counts": {"train": 10, "val": 20, "test": 5}})
    whole = read_tinyimagenet(tmp_path, tmp_path / "wds_tinyimagenet", small, "val")
    assert whole.variant == "official"


def test_plain_names_and_prompts_come_from_beside_the_test_images(place, tmp_path):
    assert load(tmp_path, "val").class_names == ("n01", "n02")
    folder = write_cifar10(tmp_path).rename(tmp_path / "wds_tinyimagenet")
    (folder / "classnames.txt").write_text("goldfish\nsalamander\n")
    for split in ("train", "val"):
        assert load(tmp_path, split).class_names == ("goldfish", "salamander")
        assert load(tmp_path, split).templates == ("a photo of a {}.", "a {}")
    (folder / "classnames.txt").write_text("goldfish\n")
    with pytest.raises(DataError, match=r"names 1 classes; the parquet files have 2"):
        load(tmp_path, "val")


def test_a_split_that_is_absent_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(DataError, match=r"looked for .*tinyimagenet/data/train-\*\.parquet"):
        load(tmp_path, "train")


def changed(row, **cells):
    """The second file with other cells in one row."""

    def change(place):
        rows = parquet_rows(16, 14)
        rows[row] = {**rows[row], **cells}
        write_parquet(place / "train-00001-of-00002.parquet", rows)

    return change


def cut(place):
    file = place / "train-00001-of-00002.parquet"
    file.write_bytes(file.read_bytes()[:-500])


def rewritten(rows, names):
    def rewrite(place):
        for file in place.iterdir():
            file.unlink()
        write_parquet(place / "train-00000-of-00001.parquet", rows, names)

    return rewrite


IMAGE = parquet_rows(0, 1)[0]["image"]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (cut, r"train-00001-of-00002\.parquet: cannot be read"),
        (changed(3, label=None), r"00001-of-00002\.parquet, row 3: 'n019\.png' has no label"),
        (changed(3, label=7), r"row 3: 'n019\.png' has label 7 of 2 classes"),
        (changed(5, image={**IMAGE, "path": None}), r"00001-of-00002\.parquet, row 5: .*no path"),
        (changed(5, image=IMAGE), r"row 5: path 'n000\.png' stands at .*00000-of.*, row 0 too"),
        (rewritten(parquet_rows(0, 4), None), "its schema names no classes"),
        (rewritten([{"image": IMAGE}], None), r"has no column 'label' \(it has image\)"),
    ],
)
def test_damage_is_named_with_its_file_and_row(place, tmp_path, damage, said):
    damage(place)
    with pytest.raises(DataError, match=said):
        load(tmp_path, "train")


def test_an_undecodable_image_is_named_by_file_and_row_when_it_is_read(place):
    changed(5, image={"bytes": b"no picture", "path": "broken.png"})(place)
    images = read_parquet(place, "train")
    with pytest.raises(DataError, match=r"00001-of-00002\.parquet, row 5: broken\.png: not a read"):
        images.read(21)
    changed(5, image={"bytes": None, "path": "absent.png"})(place)
    images = read_parquet(place, "train")
    with pytest.raises(DataError, match=r"row 5: absent\.png: has no image"):
        images.read(21)
