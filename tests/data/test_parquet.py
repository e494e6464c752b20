import numpy as np
import pytest
from tests.data.small_sets import parquet_rows, picture, write_parquet

from zsrobust.data.catalogue import dataset_entry, load_dataset
from zsrobust.data.class_lists import class_list
from zsrobust.data.readers.images import ReadRequest
from zsrobust.data.readers.parquet import read_parquet
from zsrobust.errors import DataError

REQUEST = ReadRequest("pictures", 2, None, "Fetch them.")


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
    images = read_parquet(place.parent, "train", REQUEST)
    assert tuple(images.ids) == tuple(f"n{i:03d}.png" for i in range(30))
    assert tuple(images.labels[:4]) == (0, 1, 0, 1)
    assert images.class_names == ("n01", "n02")
    assert np.array_equal(np.asarray(images.read(20)), np.asarray(picture(20, (64, 64))))


def test_class_names_come_from_the_schema_where_they_are_not_the_catalogues(place, tmp_path):
    assert load(tmp_path, "val").class_names == ("n01", "n02")


def test_wordnet_ids_in_the_schema_become_the_catalogues_names(tmp_path):
    wnids = class_list("tinyimagenet.wnids")
    place = tmp_path / "tinyimagenet" / "data"
    write_parquet(place / "train-00000-of-00001.parquet", parquet_rows(0, 24), wnids)
    dataset = load(tmp_path, "train")
    assert dataset.class_names == class_list("tinyimagenet.openai")
    assert dataset.templates == dataset_entry("tinyimagenet").prompts.of_kinds()["ensemble"]


def test_a_split_that_is_absent_says_where_it_was_looked_for_and_what_to_get(place):
    with pytest.raises(DataError, match=r"pictures: looked for .*data/test-\*\.parquet .*Fetch"):
        read_parquet(place.parent, "test", REQUEST)


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
    images = read_parquet(place.parent, "train", REQUEST)
    with pytest.raises(DataError, match=r"00001-of-00002\.parquet, row 5: broken\.png: not a read"):
        images.read(21)
    changed(5, image={"bytes": None, "path": "absent.png"})(place)
    images = read_parquet(place.parent, "train", REQUEST)
    with pytest.raises(DataError, match=r"row 5: absent\.png"):
        images.read(21)
