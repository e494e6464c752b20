import random
import sqlite3

import pytest

from zsrobust.data import columns, index
from zsrobust.data.columns import Column, columns_of, hash_of, repeated
from zsrobust.data.dataset import Dataset, in_hash_order
from zsrobust.data.index import hash_index
from zsrobust.errors import DataError
from zsrobust.settings import canonical_hash

COUNT = 1000


def rows(labelled=True):
    return [(f"größe/{i}.jpg", i % 7 if labelled else None) for i in range(COUNT)]


@pytest.fixture
def few(monkeypatch):
    """A hundred rows are already many."""
    for module in (columns, index):
        monkeypatch.setattr(module, "IN_MEMORY", 100)


def dataset(ids, labels):
    return Dataset(
        name="mine", split="all", version=1, class_names=tuple("abcdefg"), templates=("{}",),
        ids=ids, labels=labels, read=lambda row: row, variant="official", source="here",
    )  # fmt: skip


def test_few_rows_stay_tuples():
    ids, labels = columns_of(rows())
    assert (type(ids), type(labels), len(ids)) == (tuple, tuple, COUNT)
    assert columns_of(rows(labelled=False))[1] is None
    assert columns_of([]) == ((), None)


def test_many_rows_lie_in_a_file_that_leaves_nothing_behind(few):
    ids, labels = columns_of(iter(rows()))
    assert isinstance(ids, Column) and isinstance(labels, Column)
    assert list(zip(ids, labels, strict=True)) == rows()
    assert columns_of(rows(labelled=False))[1] is None
    assert not list(columns.cache_folder().iterdir())


def test_a_column_is_a_sequence(few):
    ids, labels = columns_of(rows())
    known = [sample for sample, _ in rows()]
    for _ in range(50):
        at = random.randrange(-COUNT, COUNT)
        assert ids[at] == known[at]
    for part in (slice(90, 210), slice(None, 5), slice(5, 5), slice(-3, None), slice(0, 40, 7)):
        assert list(ids[part]) == known[part]
    assert (ids.index(known[500]), known[3] in ids, "x" in ids) == (500, True, False)
    assert type(labels[3]) is int
    with pytest.raises(IndexError):
        ids[COUNT]


@pytest.mark.parametrize("labelled", [True, False])
def test_the_order_on_disk_is_that_in_memory(few, labelled):
    ids, labels = columns_of(rows(labelled))
    on_disk = hash_index(ids, labels)
    in_memory = index._in_memory(tuple(ids), labels and tuple(labels))
    assert isinstance(on_disk.ids, Column)
    assert tuple(on_disk.ids) == in_memory.ids
    assert tuple(on_disk.rows) == in_memory.rows
    assert (on_disk.labels and tuple(on_disk.labels)) == in_memory.labels


def test_an_index_is_written_once_for_the_rows_it_holds(few):
    hash_index(*columns_of(rows()))
    (file,) = columns.cache_folder().iterdir()
    written = file.stat().st_mtime_ns
    hash_index(*columns_of(rows()))
    assert file.stat().st_mtime_ns == written
    hash_index(*columns_of(rows()[1:]))
    assert len(list(columns.cache_folder().iterdir())) == 2


@pytest.mark.parametrize("first", [COUNT, 300, 1])
def test_a_dataset_on_disk_has_the_hash_and_the_subsets_of_one_in_memory(monkeypatch, first):
    whole = in_hash_order(dataset(*columns_of(rows()))).first(first)
    for module in (columns, index):
        monkeypatch.setattr(module, "IN_MEMORY", 100)
    stored = in_hash_order(dataset(*columns_of(rows()))).first(first)
    assert stored.variant_hash() == whole.variant_hash()
    assert (stored.variant, len(stored)) == (whole.variant, first)
    assert [stored.read(i) for i in range(5)] == [whole.read(i) for i in range(5)]


@pytest.mark.parametrize("count", [3, 300])
def test_an_id_that_stands_twice_is_refused(few, count):
    ids = [str(i) for i in range(count)] + ["1"]
    with pytest.raises(DataError, match=f"mine: sample id '1' stands twice, in rows 1 and {count}"):
        in_hash_order(dataset(ids, None))


@pytest.mark.parametrize(
    "parts", [([],), (["a", 'é"\n'], [1, 2], ["x"]), (["a"], None), ([str(i) for i in range(301)],)]
)
def test_the_hash_of_columns_is_the_canonical_hash_of_their_lists(few, parts):
    assert hash_of(*parts) == canonical_hash(list(parts))


def test_a_cache_that_cannot_be_written_is_named(few, tmp_path, monkeypatch):
    import datasets.config

    (tmp_path / "file").write_text("")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "file" / "cache")
    with pytest.raises(DataError, match=r"index .* cannot be written.*HF_DATASETS_CACHE"):
        columns_of(rows())


def test_a_full_disk_while_sorting_is_named(few, monkeypatch):
    ids, labels = columns_of(rows())

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(index, "_digested", full)
    with pytest.raises(DataError, match="disk is full"):
        hash_index(ids, labels)
    assert not list(columns.cache_folder().iterdir())


def test_the_first_positions_of_a_repeated_id_are_found():
    ids = [str(i) for i in range(500)]
    assert repeated(ids) is repeated([]) is None
    assert repeated([*ids, "7"]) == (7, 500)
    assert repeated(["a", "b", "a", "a"]) == (0, 2)
