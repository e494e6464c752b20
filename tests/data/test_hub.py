import pytest
from tests.data.small_sets import parquet_rows, picture, write_parquet, write_photos

from zsrobust.data.catalogue import load_dataset
from zsrobust.errors import DataError


@pytest.fixture
def folder(tmp_path):
    """A folder as the hub lays them out: parquet files of two splits."""
    write_parquet(tmp_path / "birds" / "data" / "train-0.parquet", parquet_rows(0, 6), ("a", "b"))
    write_parquet(tmp_path / "birds" / "data" / "test-0.parquet", parquet_rows(6, 4), ("a", "b"))
    return tmp_path / "birds"


def written(tmp_path, columns, features):
    """A parquet folder of one split with columns of one's own."""
    import datasets

    (tmp_path / "set" / "data").mkdir(parents=True)
    table = datasets.Dataset.from_dict(columns, features=datasets.Features(features))
    table.to_parquet(tmp_path / "set" / "data" / "test-0.parquet")
    return f"hf:{tmp_path / 'set'}"


def test_a_folder_in_the_hubs_layout_is_read_by_split(folder):
    test, train = load_dataset(f"hf:{folder}"), load_dataset(f"hf:{folder}@train")
    assert (len(test), len(train), test.name, train.split) == (4, 6, "birds", "train")
    assert test.class_names == ("a", "b")
    assert sorted(test.ids) == ["test/0", "test/1", "test/2", "test/3"]
    position = test.ids.index("test/3")
    assert test.labels[position] == 1
    assert test.read(position).tobytes() == picture(9, (64, 64)).tobytes()


def test_an_image_folder_and_its_splits_are_read_too(tmp_path):
    for split in ("train", "test"):
        write_photos(tmp_path / "cars" / split)
    dataset = load_dataset(f"hf:{tmp_path / 'cars'}")
    assert (dataset.class_names, len(dataset)) == (("blue_car", "red_car"), 6)
    assert dataset.read(0).size == (12, 9)


def test_an_unknown_split_lists_those_there_are(folder):
    with pytest.raises(DataError, match=r"no split 'dev'\. It has: .*train.*Write hf:"):
        load_dataset(f"hf:{folder}@dev")


def test_columns_are_found_by_type_and_a_label_column_may_be_chosen(tmp_path):
    import datasets

    fine, coarse = datasets.ClassLabel(names=["x", "y"]), datasets.ClassLabel(names=["z", "w"])
    address = written(
        tmp_path,
        {"img": [picture(i) for i in range(3)], "fine": [0, 1, 0], "coarse": [1, 1, 0]},
        {"img": datasets.Image(), "fine": fine, "coarse": coarse},
    )
    with pytest.raises(DataError, match=r"several columns of labels: fine, coarse.*#fine"):
        load_dataset(address)
    dataset = load_dataset(f"{address}@test#coarse")
    assert dataset.class_names == ("z", "w")
    assert dataset.labels[dataset.ids.index("test/2")] == 0
    with pytest.raises(DataError, match="no column 'other'"):
        load_dataset(f"{address}#other")


def test_labels_written_as_words_are_the_classes(tmp_path):
    import datasets

    address = written(
        tmp_path,
        {"image": [picture(0), picture(1)], "label": ["owl", "jay"]},
        {"image": datasets.Image(), "label": datasets.Value("string")},
    )
    dataset = load_dataset(address)
    assert dataset.class_names == ("jay", "owl")
    assert dataset.labels[dataset.ids.index("test/0")] == 1


def test_labels_kept_secret_make_an_unlabelled_set(tmp_path):
    import datasets

    columns = {"image": [picture(0), picture(1)], "label": [-1, -1]}
    features = {"image": datasets.Image(), "label": datasets.ClassLabel(names=["x", "y"])}
    dataset = load_dataset(written(tmp_path, columns, features))
    assert (dataset.labels, dataset.class_names) == (None, ("x", "y"))


def test_unlabelled_images_need_names(tmp_path):
    import datasets

    address = written(tmp_path, {"image": [picture(0)]}, {"image": datasets.Image()})
    with pytest.raises(DataError, match=r"has no labels.*--classes FILE"):
        load_dataset(address)
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    assert load_dataset(address, classes_file=tmp_path / "names.txt").labels is None


def test_a_set_without_images_is_refused(tmp_path):
    import datasets

    address = written(tmp_path, {"text": ["x"]}, {"text": datasets.Value("string")})
    with pytest.raises(DataError, match=r"no column of images.*Its columns: text"):
        load_dataset(address)


@pytest.mark.parametrize("address", ["hf:", "hf:@test", "hf::x"])
def test_an_address_that_is_none_says_how_to_write_one(address):
    with pytest.raises(DataError, match="write hf:ORG/NAME"):
        load_dataset(address)


def test_without_a_network_the_error_says_what_to_do(monkeypatch):
    import datasets.config
    import huggingface_hub.constants

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match=r"hf:no-one/nothing: cannot be read .*network.*hf:\./FOL"):
        load_dataset("hf:no-one/nothing")
