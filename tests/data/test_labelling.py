"""Which names and prompts go with the labels that a folder brings."""

import pytest
from tests.data.small_sets import write_cifar10

from zsrobust.data.catalogue import dataset_entry, load_dataset
from zsrobust.data.class_lists import name_lists, official_names
from zsrobust.data.labelling import labelling_of
from zsrobust.data.readers.images import Images
from zsrobust.errors import DataError


def labelling(name, prompts=None, *, class_names=None, templates=None):
    images = Images((), (), lambda row: None, class_names=class_names, templates=templates)
    return labelling_of(name, dataset_entry(name), images, prompts)


def test_a_folder_that_names_nothing_has_the_catalogues_names_and_ensemble():
    found = labelling("eurosat")
    assert found.class_names == name_lists(dataset_entry("eurosat"))["dataset"]
    assert len(found.templates) == 3


def test_names_and_prompts_of_the_releases_come_together():
    found = labelling("eurosat", "as-released")
    assert found.class_names[1] == "a forest"
    assert found.templates == ("A centered satellite photo of {}.",)
    sentences = labelling("pcam", "as-released")
    assert [sentences.templates[0].format(name) for name in sentences.class_names] == [
        "Tthis is a photo of healthy lymph node tissue.",
        "This is a photo of lymph node tumor tissue.",
    ]


def test_the_names_and_templates_that_a_folder_brings_win():
    mine = tuple(f"land {i}" for i in range(10))
    found = labelling("eurosat", class_names=mine, templates=("a map of {}",))
    assert found.class_names == mine
    assert found.templates == ("a map of {}",)
    assert labelling("eurosat", "single", class_names=mine).templates == (
        "a centered satellite photo of {}.",
    )


def test_names_of_the_releases_follow_the_order_that_the_folder_has():
    backwards = tuple(reversed(name_lists(dataset_entry("pets"))["dataset"]))
    found = labelling("pets", "as-released", class_names=backwards)
    assert found.class_names == tuple(name.lower() for name in backwards)
    assert labelling("pets", class_names=backwards).class_names == backwards


def test_names_of_the_releases_are_refused_where_the_folders_classes_are_others():
    with pytest.raises(DataError, match="those of the releases cannot be told"):
        labelling("pets", "as-released", class_names=("cat", "dog"))


def test_collisions_do_not_confuse_the_order():
    names = name_lists(dataset_entry("imagenet1k"))
    found = labelling("imagenet1k", "as-released", class_names=names["openai"])
    assert found.class_names == names["as-released"]
    with pytest.raises(DataError, match="cannot be told"):
        labelling("imagenet1k", "as-released", class_names=names["openai"][::-1])


def test_official_names_are_shown_in_plain_words():
    official = official_names(dataset_entry("tinyimagenet"))
    assert labelling("tinyimagenet", class_names=official).class_names[0] == "goldfish"


def test_a_kind_of_prompts_that_a_set_has_not_is_named_with_those_it_has(tmp_path):
    with pytest.raises(DataError, match=r"caltech256 has no prompts 'ensemble'.*single, as-rel"):
        labelling("caltech256", "ensemble")
    with pytest.raises(DataError, match="scenes-sizes has no prompts 'as-released'"):
        load_dataset("scenes-sizes", prompts="as-released")
    assert len(load_dataset("scenes-sizes", prompts="single").templates) == 1
    write_cifar10(tmp_path)
    with pytest.raises(DataError, match="has no prompts 'mine'"):
        load_dataset("cifar10", data_root=tmp_path, prompts="mine")
    found = load_dataset("cifar10", data_root=tmp_path, prompts="single")
    assert found.templates == ("a photo of a {}.",)
    assert found.class_names[7] == "class 7"
