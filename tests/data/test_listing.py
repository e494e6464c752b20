import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from tests.data.small_sets import parquet_rows, picture, write_parquet

from zsrobust.data.catalogue import load_dataset
from zsrobust.errors import DataError, UnreadableImageError


@pytest.fixture
def shop(tmp_path):
    """A folder with three pictures, to be listed."""
    for i in range(3):
        (tmp_path / "pictures").mkdir(exist_ok=True)
        picture(i).save(tmp_path / "pictures" / f"{i}.png")
    return tmp_path


def listed(shop, text, suffix="csv", classes=None):
    file = shop / f"list.{suffix}"
    file.write_text(text, encoding="utf-8")
    if classes is None:
        return load_dataset(file)
    (shop / "names.txt").write_text("\n".join(classes))
    return load_dataset(file, classes_file=shop / "names.txt")


def labels_of(dataset):
    return dict(zip(dataset.ids, (dataset.class_names[n] for n in dataset.labels), strict=True))


NAMED = "path,label\npictures/0.png,cat\npictures/1.png,a dog\npictures/2.png,cat\n"


def test_paths_are_relative_to_the_list_and_names_sorted(shop, monkeypatch):
    monkeypatch.chdir("/")
    dataset = listed(shop, NAMED)
    assert dataset.class_names == ("a dog", "cat")
    assert (dataset.name, dataset.variant, dataset.split) == ("list", "user", "all")
    assert labels_of(dataset)["pictures/1.png"] == "a dog"
    position = dataset.ids.index("pictures/2.png")
    assert np.array_equal(np.asarray(dataset.read(position)), np.asarray(picture(2)))


def test_other_columns_are_ignored_and_columns_may_stand_in_any_order(shop):
    text = "when,label,path\n2020,cat,pictures/0.png\n,dog,pictures/1.png\n"
    assert labels_of(listed(shop, text)) == {"pictures/0.png": "cat", "pictures/1.png": "dog"}


def test_a_spreadsheets_byte_order_mark_and_line_ends_do_no_harm(shop):
    text = "\ufeff" + NAMED.replace("\n", "\r\n")
    assert labels_of(listed(shop, text)) == labels_of(listed(shop, NAMED))


def test_absolute_paths_are_taken_as_they_are(shop):
    dataset = listed(shop, f"path,label\n{shop}/pictures/0.png,cat\npictures/1.png,dog\n")
    assert dataset.read(dataset.ids.index(f"{shop}/pictures/0.png")).size == (12, 9)


def test_numbers_count_the_names_that_are_given(shop):
    text = "path,label\npictures/0.png,1\npictures/1.png,0\n"
    dataset = listed(shop, text, classes=["cat", "dog"])
    assert labels_of(dataset) == {"pictures/0.png": "dog", "pictures/1.png": "cat"}
    with pytest.raises(DataError, match=r"labels are numbers .*--classes FILE"):
        listed(shop, text)


def test_names_are_looked_up_in_the_list_of_names(shop):
    dataset = listed(shop, NAMED, classes=["cat", "a bird", "a dog"])
    assert dataset.class_names == ("cat", "a bird", "a dog")
    assert labels_of(dataset)["pictures/1.png"] == "a dog"


def test_without_labels_the_images_are_unlabelled(shop):
    text = "path\npictures/0.png\n"
    dataset = listed(shop, text, classes=["cat", "dog"])
    assert (dataset.labels, dataset.class_names) == (None, ("cat", "dog"))
    with pytest.raises(DataError, match="no column 'label'"):
        listed(shop, text)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), "utf8")])
def test_a_parquet_list_reads_as_a_csv_does(shop, kind):
    paths = [f"pictures/{i}.png" for i in range(3)]
    labels = pa.array(["cat", "a dog", "cat"]).cast(kind)
    parquet.write_table(pa.table({"path": paths, "label": labels}), shop / "rows.parquet")
    dataset = load_dataset(shop / "rows.parquet")
    assert labels_of(dataset) == labels_of(listed(shop, NAMED))


def test_a_parquet_file_may_hold_the_images_themselves(shop):
    write_parquet(shop / "images.parquet", parquet_rows(0, 4), names=("cat", "dog"))
    dataset = load_dataset(shop / "images.parquet")
    assert (dataset.class_names, len(dataset)) == (("cat", "dog"), 4)
    assert dataset.read(0).size == (64, 64)


def test_a_missing_or_broken_image_is_named_by_list_row_and_path_when_it_is_read(shop):
    (shop / "pictures" / "1.png").write_bytes(b"no picture")
    dataset = listed(shop, NAMED.replace("2.png", "9.png"))
    for path, row in (("pictures/1.png", 1), ("pictures/9.png", 2)):
        with pytest.raises(UnreadableImageError, match=rf"list\.csv, row {row}: {path}: not a re"):
            dataset.read(dataset.ids.index(path))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"list\.csv: cannot be read \(Empty CSV file"),
        ("path,label\n", r"list\.csv: .*"),
        ("file,label\nx,cat\n", r"no column 'path' \(it has file, label\).*first line"),
        ("path;label\nx;cat\n", r"no column 'path' \(it has path;label\)"),
        ("path,label,label\nx,cat,cat\n", "column 'label' stands twice"),
        ("path,label\nx\n", r"list\.csv: cannot be read .*Expected 2 columns, got 1"),
        ("path,label\n,cat\n", r"list\.csv, row 0: no path"),
        ("path,label\nx,cat\ny,\n", r"list\.csv, row 1: 'y' has no label"),
        ("path,label\nx,cat\ny,3\n", "labels are mixed: 'cat' is a name, '3' a number"),
        ("path,label\nx,cat\nx,dog\n", "'x' stands twice, in rows 0 and 1"),
    ],
)  # fmt: skip
def test_a_wrong_list_says_what_is_wrong_and_where(shop, text, said):
    with pytest.raises(DataError, match=said):
        listed(shop, text)


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("bird", r"label 'bird' is none of the names given by --classes"),
        ("2", r"label 2, but 2 classes are named \(0 to 1\)"),
        ("-1", r"label -1, but 2 classes are named"),
        ("9" * 30, "is none of the names"),
    ],
)
def test_a_label_that_no_name_belongs_to_is_refused(shop, label, said):
    with pytest.raises(DataError, match=said):
        listed(shop, f"path,label\nx,{label}\n", classes=["cat", "dog"])


def test_bytes_that_are_no_text_or_no_parquet_are_refused(shop):
    (shop / "list.csv").write_bytes("path,label\né,cat\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"list\.csv: cannot be read .*UTF8"):
        load_dataset(shop / "list.csv")
    (shop / "rows.parquet").write_bytes(b"PAR1" * 9)
    with pytest.raises(DataError, match=r"rows\.parquet: cannot be read"):
        load_dataset(shop / "rows.parquet")
    parquet.write_table(pa.table({"path": ["x"], "label": [0.5]}), shop / "rows.parquet")
    with pytest.raises(DataError, match="a column of double"):
        load_dataset(shop / "rows.parquet")


def test_an_absent_list_is_named(shop):
    with pytest.raises(DataError, match=r"absent\.csv: no such file"):
        load_dataset(shop / "absent.csv")


def test_a_list_is_evaluated_as_it_is(shop):
    from zsrobust.evaluation.evaluate import evaluate

    (shop / "list.csv").write_text(NAMED)
    run = evaluate("scenes-tiny", shop / "list.csv", "clean", shop / "runs", device="cpu")
    assert (run.summary.n, run.header.dataset.name) == (3, "list")
    assert run.header.dataset.class_names == ("a dog", "cat")
