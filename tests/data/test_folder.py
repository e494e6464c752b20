import numpy as np
import pytest
from PIL import Image
from tests.data.small_sets import picture, write_photos

from zsrobust.data.catalogue import load_dataset
from zsrobust.data.pixels import read_pixels
from zsrobust.errors import DataError


@pytest.fixture
def photos(tmp_path):
    return write_photos(tmp_path / "photos")


def names_file(tmp_path, text):
    file = tmp_path / "names.txt"
    file.write_text(text, encoding="utf-8")
    return file


def test_sorted_folders_are_the_classes_and_underscores_are_spaces(photos):
    dataset = load_dataset(photos)
    assert dataset.class_names == ("blue car", "red car")
    assert dataset.templates == ("a photo of a {}.",)
    assert (dataset.variant, dataset.name, len(dataset)) == ("user", "photos", 6)
    position = dataset.ids.index("red_car/2.png")
    assert dataset.labels[position] == 1
    assert np.array_equal(np.asarray(dataset.read(position)), np.asarray(picture(2)))


def test_typed_names_take_the_place_of_the_folders(photos, tmp_path):
    file = names_file(tmp_path, "\ufeffazure\n crimson \n\n")
    dataset = load_dataset(photos, classes_file=file)
    assert dataset.class_names == ("azure", "crimson")
    assert dataset.variant_hash() != load_dataset(photos).variant_hash()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"names\.txt: the list of classes is empty"),
        ("car\nvan\ncar\n", r"names\.txt: .*given twice: car \(lines 1 and 3\)"),
        ("car\n\nvan\n", r"names\.txt, line 2: blank"),
        ("car\n", r"names\.txt: 1 names for 2 class folders"),
    ],
)
def test_a_wrong_list_of_names_is_refused(photos, tmp_path, text, said):
    with pytest.raises(DataError, match=said):
        load_dataset(photos, classes_file=names_file(tmp_path, text))


def test_a_missing_list_of_names_is_named(photos, tmp_path):
    with pytest.raises(DataError, match=r"names\.txt: no such file"):
        load_dataset(photos, classes_file=tmp_path / "names.txt")


def test_images_without_class_folders_are_unlabelled_and_need_names(photos, tmp_path):
    file = names_file(tmp_path, "cat\ndog\n")
    dataset = load_dataset(photos / "red_car", classes_file=file)
    assert (dataset.labels, dataset.class_names) == (None, ("cat", "dog"))
    with pytest.raises(DataError, match="--classes FILE"):
        load_dataset(photos / "red_car")


def test_an_empty_class_is_refused(photos):
    (photos / "green_car").mkdir()
    with pytest.raises(DataError, match="green_car: an empty class"):
        load_dataset(photos)


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / "nothing").mkdir()
    with pytest.raises(DataError, match="nothing: no images"):
        load_dataset(tmp_path / "nothing")


def test_a_tree_of_splits_says_which_folder_to_give(photos, tmp_path):
    photos.rename(tmp_path / "train")
    (tmp_path / "mine").mkdir()
    (tmp_path / "train").rename(tmp_path / "mine" / "train")
    with pytest.raises(DataError, match=r"no images in class folders.*mine/train holds folders"):
        load_dataset(tmp_path / "mine")


def test_images_beside_class_folders_are_refused(photos):
    picture().save(photos / "loose.png")
    with pytest.raises(DataError, match=r"images beside class folders \(loose\.png\)"):
        load_dataset(photos)


def test_two_folders_that_read_the_same_are_refused(photos):
    (photos / "red car").mkdir()
    picture().save(photos / "red car" / "x.png")
    with pytest.raises(DataError, match=r"red_car: read as 'red car', as red car is"):
        load_dataset(photos)


def test_hidden_files_are_ignored_and_other_files_are_counted_in_the_notes(photos):
    assert load_dataset(photos).notes == ()
    (photos / "red_car" / ".thumb.png").write_bytes(b"x")
    (photos / "red_car" / "list.heic").write_bytes(b"x")
    (photos / "notes.txt").write_text("x")
    dataset = load_dataset(photos)
    assert len(dataset) == 6
    assert "2 files" in dataset.notes[0]


def test_suffixes_in_capitals_are_images(photos):
    (photos / "red_car" / "0.png").rename(photos / "red_car" / "0.PNG")
    assert "red_car/0.PNG" in load_dataset(photos).ids


def test_a_broken_photo_is_named_when_it_is_read(photos):
    (photos / "red_car" / "1.png").write_bytes(b"no picture")
    dataset = load_dataset(photos)
    with pytest.raises(DataError, match=r"red_car/1\.png: not a readable image"):
        read_pixels(dataset, range(len(dataset)), 8)


def test_a_photo_that_went_away_is_named(photos):
    dataset = load_dataset(photos)
    (photos / "red_car" / "1.png").unlink()
    with pytest.raises(DataError, match=r"red_car/1\.png: not a readable image \(.*No such file"):
        dataset.read(dataset.ids.index("red_car/1.png"))


def test_a_file_is_no_dataset(photos):
    with pytest.raises(DataError, match=r"0\.png: is a file"):
        load_dataset(photos / "red_car" / "0.png")


def test_a_photo_too_large_to_be_honest_is_refused(photos, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    with pytest.raises(DataError, match="not a readable image"):
        load_dataset(photos).read(0)


def test_many_photos_are_listed_in_a_file_with_the_ids_and_hash_of_few(photos, monkeypatch):
    from zsrobust.data import columns, index

    few = load_dataset(photos)
    for module in (columns, index):
        monkeypatch.setattr(module, "IN_MEMORY", 2)
    many = load_dataset(photos)
    assert isinstance(many.ids, columns.Column)
    assert (tuple(many.ids), many.variant_hash()) == (few.ids, few.variant_hash())
    assert all(many.read(i).tobytes() == few.read(i).tobytes() for i in range(6))
    assert tuple(many.first(3).ids) == few.first(3).ids


def test_a_file_name_that_is_no_text_is_named(photos):
    (photos / "red_car" / "0.png").rename(
        photos / "red_car" / b"caf\xe9.png".decode("utf-8", "surrogateescape")
    )
    with pytest.raises(DataError, match=r"red_car: the name of 'caf.*png' is not UTF-8"):
        load_dataset(photos)
