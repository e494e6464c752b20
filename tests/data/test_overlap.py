import pytest

from zsrobust.data.overlap import class_overlap
from zsrobust.errors import DataError, UnknownNameError


@pytest.mark.parametrize(
    ("dataset", "tuned_on", "shared", "classes"),
    [
        ("tinyimagenet", "imagenet1k", 200, 200),
        ("imagenet1k", "tinyimagenet", 200, 1000),
        ("imagenet-a", "imagenet1k", 200, 200),
        ("imagenet-r", "imagenet1k", 200, 200),
        ("imagenet-sketch", "tinyimagenet", 200, 1000),
    ],
)
def test_sets_with_wordnet_ids_are_compared_by_them(dataset, tuned_on, shared, classes):
    found = class_overlap(dataset, tuned_on)
    assert (found.by, len(found.shared), found.classes) == ("wordnet", shared, classes)
    assert found.share == shared / classes


def test_shared_names_do_not_make_a_class_shared_where_there_are_ids():
    found = class_overlap("imagenet1k", "tinyimagenet")
    assert found.shared.count("sunglasses") == 1


def test_sets_without_ids_are_compared_by_name_and_say_so():
    found = class_overlap("cifar100", "tinyimagenet")
    assert found.by == "name"
    assert {"orange", "lion", "bee", "chimpanzee", "plate"} <= set(found.shared)
    assert "apple" not in found.shared
    assert class_overlap("pcam", "imagenet1k").shared == ()


def test_scenes_name_their_classes_without_images():
    assert class_overlap("scenes-heldout", "scenes-shapes").shared == ()
    assert class_overlap("scenes-shapes", "scenes-shapes").share == 1


def test_what_cannot_be_compared_is_said(monkeypatch):
    with pytest.raises(UnknownNameError, match="tinyimagenet"):
        class_overlap("cifar10", "tinyimagnet")
    from zsrobust.data.catalogue import dataset_entry

    nameless = dataset_entry("cifar10").model_copy(update={"class_names": None})
    monkeypatch.setattr("zsrobust.data.overlap.dataset_entry", lambda name: nameless)
    with pytest.raises(DataError, match="does not list its classes"):
        class_overlap("mine", "mine")
