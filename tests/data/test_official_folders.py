"""Official folders of image files: the catalogue's order, and what damaged ones say."""

import numpy as np
import pytest

from zsrobust.data.class_lists import class_list
from zsrobust.data.readers.images import ReadRequest
from zsrobust.data.readers.official_annotated import read_cars, read_dtd, read_flowers102, read_pets
from zsrobust.data.readers.official_imagenet import read_imagenet
from zsrobust.data.readers.official_memes import read_hateful_memes
from zsrobust.data.readers.official_tinyimagenet import read_tinyimagenet_folder
from zsrobust.data.readers.official_trees import read_class_folders
from zsrobust.errors import DataError
from zsrobust.testing.miniature_files import (
    write_cars,
    write_class_folders,
    write_dtd,
    write_flowers102,
    write_hateful_memes,
    write_pets,
)
from zsrobust.testing.miniature_pictures import write_jpeg
from zsrobust.testing.miniature_wordnet import (
    write_flat_imagenet,
    write_imagenet,
    write_tinyimagenet,
)

WNIDS = ReadRequest(name="wnids", classes=4, folder_names=("n01", "n02", "n03", "n04"))


def test_labels_follow_the_catalogues_order_and_not_the_folders(tmp_path):
    backwards = ReadRequest(name="x", classes=3, folder_names=("c", "b", "a"))
    write_class_folders(tmp_path, "test", backwards)
    images = read_class_folders(tmp_path, "test", backwards)
    assert images.ids == ("a/image_0002.jpg", "b/image_0001.jpg", "c/image_0000.jpg")
    assert images.labels == (2, 1, 0)


def test_other_classes_than_the_catalogues_are_one_clear_error(tmp_path):
    write_class_folders(tmp_path, "test", WNIDS)
    (tmp_path / "test" / "n03").rename(tmp_path / "test" / "other")
    with pytest.raises(DataError, match=r"catalogue's 4: 1 unknown \(other\), 1 missing \(n03\)"):
        read_class_folders(tmp_path, "test", WNIDS)
    with pytest.raises(DataError, match="has 4 classes; x has 5"):
        read_class_folders(tmp_path, "test", ReadRequest("x", 5, None))


def test_an_empty_class_or_no_folder_is_named(tmp_path):
    write_class_folders(tmp_path, "test", WNIDS)
    next((tmp_path / "test" / "n02").iterdir()).unlink()
    with pytest.raises(DataError, match="n02"):
        read_class_folders(tmp_path, "test", WNIDS)
    with pytest.raises(DataError, match="no class folders there"):
        read_class_folders(tmp_path, "absent", WNIDS)


def test_caltechs_background_is_no_class(tmp_path):
    write_class_folders(tmp_path, ".", WNIDS)
    write_jpeg(tmp_path / "BACKGROUND_Google" / "image_0001.jpg", 9)
    images = read_class_folders(tmp_path, ".", WNIDS)
    assert len(images.ids) == 4 and images.labels == (0, 1, 2, 3)


def test_imagenet_reads_the_same_sorted_and_flat(tmp_path):
    write_imagenet(tmp_path / "sorted", "val", WNIDS)
    write_flat_imagenet(tmp_path / "kaggle", WNIDS, "solution")
    write_flat_imagenet(tmp_path / "devkit", WNIDS, "devkit")
    found = {
        folder: read_imagenet(tmp_path / folder, "val", WNIDS)
        for folder in ("sorted", "kaggle", "devkit")
    }
    assert {images.labels for images in found.values()} == {(0, 1, 2, 3)}
    assert len({images.ids for images in found.values()}) == 1
    pixels = {tuple(images.read(row).tobytes() for row in range(4)) for images in found.values()}
    assert len(pixels) == 1


def test_a_flat_imagenet_without_labels_says_what_to_put_there(tmp_path):
    write_flat_imagenet(tmp_path, WNIDS, "solution")
    (tmp_path / "LOC_val_solution.csv").unlink()
    with pytest.raises(DataError, match=r"LOC_val_solution\.csv or the unpacked ILSVRC2012_devkit"):
        read_imagenet(tmp_path, "val", WNIDS)


def test_a_flat_image_that_no_list_labels_is_named(tmp_path):
    write_flat_imagenet(tmp_path, WNIDS, "solution")
    write_jpeg(tmp_path / "val" / "stray.JPEG", 5)
    with pytest.raises(DataError, match=r"stray\.JPEG: is not among the 4 labelled images"):
        read_imagenet(tmp_path, "val", WNIDS)


def test_tinyimagenets_val_reads_the_same_flat_and_sorted(tmp_path):
    write_tinyimagenet(tmp_path, "val", WNIDS)
    flat = read_tinyimagenet_folder(tmp_path, "val", WNIDS)
    pixels = flat.read(0).tobytes()
    place = tmp_path / "val"
    for label, wnid in enumerate(WNIDS.folder_names):
        (place / wnid).mkdir()
        (place / "images" / f"val_{label}.JPEG").rename(place / wnid / f"val_{label}.JPEG")
    (place / "images").rmdir()
    ordered = read_tinyimagenet_folder(tmp_path, "val", WNIDS)
    assert dict(zip(flat.ids, flat.labels, strict=True)) == dict(
        zip(ordered.ids, ordered.labels, strict=True)
    )
    assert pixels == ordered.read(ordered.ids.index(flat.ids[0])).tobytes()


def test_tinyimagenets_training_images_carry_their_own_names(tmp_path):
    write_tinyimagenet(tmp_path, "train", WNIDS)
    images = read_tinyimagenet_folder(tmp_path, "train", WNIDS)
    assert len(images.ids) == 48 and images.ids[0] == "n01_0.JPEG"


def test_listed_images_that_are_absent_are_counted_and_named(tmp_path):
    request = ReadRequest("dtd", 3, ("banded", "dotted", "woven"))
    write_dtd(tmp_path / "dtd", "test", request)
    (tmp_path / "dtd" / "dtd" / "images" / "dotted" / "dotted_0001.jpg").unlink()
    with pytest.raises(DataError, match=r"1 of 3 images.*absent \(first: dtd/images/dotted"):
        read_dtd(tmp_path / "dtd", "test", request)


def test_what_torchvision_cannot_read_is_one_message(tmp_path):
    request = ReadRequest("pets", 2, ("Abyssinian", "Beagle"), how="Fetch images.tar.gz.")
    with pytest.raises(DataError, match="torchvision cannot read it as the official pets"):
        read_pets(tmp_path / "oxford-iiit-pet", "test", request)
    write_pets(tmp_path / "oxford-iiit-pet", "test", request)
    listing = tmp_path / "oxford-iiit-pet" / "annotations" / "test.txt"
    listing.write_text("Abyssinian_1 one 1 1\n")
    with pytest.raises(DataError, match=r"Fetch images\.tar\.gz"):
        read_pets(tmp_path / "oxford-iiit-pet", "test", request)


def test_a_flower_of_a_class_beyond_the_last_is_refused(tmp_path):
    from scipy.io import savemat

    request = ReadRequest("flowers102", 102, None)
    folder = tmp_path / "flowers-102"
    write_flowers102(folder, "test", request)
    assert read_flowers102(folder, "test", request).labels == tuple(range(102))
    savemat(folder / "imagelabels.mat", {"labels": np.tile(np.arange(2, 104), 3)})
    with pytest.raises(DataError, match="label 102 of 102 classes"):
        read_flowers102(folder, "test", request)


def test_cars_number_their_classes_as_the_devkit_names_them(tmp_path):
    written = ReadRequest("cars", 2, ("Acura RL Sedan 2012", "AM General Hummer SUV 2000"))
    write_cars(tmp_path / "stanford_cars", "test", written)
    asked = ReadRequest("cars", 2, tuple(reversed(written.folder_names)))
    assert read_cars(tmp_path / "stanford_cars", "test", asked).labels == (1, 0)


def test_memes_of_two_lists_are_read_as_one(tmp_path):
    request = ReadRequest("hateful-memes", 2, None)
    write_hateful_memes(tmp_path, "test_seen+test_unseen", request)
    images = read_hateful_memes(tmp_path, "test_seen+test_unseen", request)
    assert len(images.ids) == 8 and images.labels == (0, 1) * 4
    assert images.ids[5] == "img/00005.png" and images.read(5).mode == "RGB"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": 1, "img": "img/00000.png"}', "has no label 0 or 1"),
        ('{"id": 1, "label": 1}', "names no image"),
        ('{"img": "../secret.png", "label": 1}', "names no image"),
        ('{"img": "img/09999.png", "label": 1}', "1 of 1 images"),
        ("not json", "not JSON"),
        ("[1]", "names no image"),
    ],
)
def test_a_wrong_line_of_memes_is_named(tmp_path, line, message):
    request = ReadRequest("hateful-memes", 2, None)
    write_hateful_memes(tmp_path, "test_seen", request)
    (tmp_path / "test_seen.jsonl").write_text(line + "\n")
    with pytest.raises(DataError, match=message):
        read_hateful_memes(tmp_path, "test_seen", request)


@pytest.mark.parametrize(
    "resource",
    [
        "caltech101.folders", "caltech256.folders", "cifar100.folders", "country211.folders",
        "dtd.folders", "eurosat.folders", "food101.folders", "imagenet1k.wnids",
        "imagenet-a.wnids", "imagenet-o.wnids", "imagenet-r.wnids", "tinyimagenet.wnids",
    ],
)  # fmt: skip
def test_sets_numbered_by_their_sorted_folders_are_listed_in_that_order(resource):
    names = class_list(resource)
    assert list(names) == sorted(set(names))
