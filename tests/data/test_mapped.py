import datasets
import pytest
from datasets import Image as ImageFeature
from tests.data.small_sets import encoded, parquet_rows, picture, write_parquet

from zsrobust.data.readers.arrow import open_table
from zsrobust.data.readers.mapped import _Archive, image_cells


def opened(files):
    return open_table("parquet", files).cast_column("image", ImageFeature(decode=False))


@pytest.fixture
def files(tmp_path):
    """Two parquet files of 250 and 7 images: several batches of rows in the cache."""
    write_parquet(tmp_path / "0.parquet", parquet_rows(0, 250))
    write_parquet(tmp_path / "1.parquet", parquet_rows(250, 7))
    return [tmp_path / "0.parquet", tmp_path / "1.parquet"]


def test_the_mapped_cells_are_those_of_the_table(files):
    table = opened(files)
    cell_of = image_cells(table, "image")
    assert isinstance(cell_of.__self__, _Archive)
    for row in (0, 1, 99, 100, 199, 249, 250, 256):
        assert cell_of(row) == table[row]["image"]
        assert cell_of(row)["bytes"] == encoded(picture(row, (64, 64)))


def test_empty_images_are_given_as_they_are(tmp_path):
    rows = parquet_rows(0, 4)
    rows[1]["image"] = None
    rows[2]["image"]["bytes"] = b""
    rows[3]["image"]["bytes"] = None
    write_parquet(tmp_path / "0.parquet", rows)
    table = opened([tmp_path / "0.parquet"])
    cell_of = image_cells(table, "image")
    assert [cell_of(row) for row in range(4)] == [table[row]["image"] for row in range(4)]


def test_a_table_in_memory_or_of_other_rows_is_asked_itself(files):
    in_memory = datasets.Dataset.from_list([{"image": {"bytes": b"x", "path": "p"}}])
    assert image_cells(in_memory, "image")(0) == {"bytes": b"x", "path": "p"}
    part = opened(files).select([5, 3])
    assert image_cells(part, "image")(1) == part[1]["image"]


def test_a_selection_of_as_many_rows_keeps_its_order(files):
    table = opened(files)
    turned = table.select(range(len(table) - 1, -1, -1))
    assert image_cells(turned, "image")(0) == turned[0]["image"]
