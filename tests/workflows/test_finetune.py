from dataclasses import replace

import pytest
from PIL import Image
from tests.training.small_training import colours, recipe, weights

from zsrobust.errors import DataError, InputError, UnknownNameError
from zsrobust.records.header import read_header
from zsrobust.testing.tiny_clip import tiny_clip
from zsrobust.workflows.finetune import finetune

SHORT = ["steps=2", "batch_size=4", "warmup_steps=1"]


@pytest.fixture
def folder(tmp_path):
    for name, colour in (("red", (200, 30, 30)), ("blue", (30, 30, 200))):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(4):
            Image.new("RGB", (32, 28), colour).save(tmp_path / "photos" / name / f"{i}.png")
    return tmp_path / "photos"


def test_names_and_a_folder_of_photographs_give_a_trained_model(folder, tmp_path):
    trained = finetune(
        "tecoa-quick", tiny_clip(), folder, tmp_path / "defended", device="cpu", overrides=SHORT
    )
    header = read_header(tmp_path / "defended")
    assert trained.name == "defended"
    assert (header.protocol.name, header.dataset.n) == ("tecoa-quick", 8)
    assert header.overrides == tuple(SHORT)
    assert header.protocol.content["steps"] == 2


def test_a_catalogued_dataset_gives_its_training_images(tmp_path):
    finetune(
        "tga-zsr-quick",
        tiny_clip(),
        "scenes-shapes",
        tmp_path / "run",
        limit=6,
        device="cpu",
        overrides=SHORT,
    )
    header = read_header(tmp_path / "run")
    assert (header.dataset.split, header.dataset.n) == ("train", 6)
    assert header.dataset.variant == "subset"


def test_a_recipe_object_and_a_dataset_object_serve_as_well(tmp_path):
    model = tiny_clip()
    before = weights(model)
    trained = finetune(recipe(steps=2), model, colours(), tmp_path / "run", limit=9, device="cpu")
    assert read_header(tmp_path / "run").protocol.name == "tecoa"
    assert trained.card.data == "colours, split train, 9 images, miniature"
    assert weights(model) == before


def test_unlabelled_images_are_refused(tmp_path):
    unlabelled = replace(colours(), labels=None)
    with pytest.raises(DataError, match="colours has no labels"):
        finetune(recipe(), tiny_clip(), unlabelled, tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()


def test_a_set_without_training_images_says_what_it_has(tmp_path):
    with pytest.raises(DataError, match="no split 'train'"):
        finetune(
            recipe(), tiny_clip(), "imagenet-o", tmp_path / "run", data_root=tmp_path, device="cpu"
        )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"limit": 0}, "limit = 0"),
        ({"dataset": replace(colours(), class_names=("red",))}, "has 1 class"),
        ({"dataset": replace(colours(), class_names=("a", "a", "b"), variant="user")}, "twice: a"),
    ],
    ids=["limit", "one class", "duplicates"],
)
def test_what_cannot_be_trained_on_is_said_before_anything_is_written(tmp_path, changes, said):
    arguments = {"dataset": colours(), **changes}
    with pytest.raises(InputError, match=said):
        finetune(recipe(), tiny_clip(), out=tmp_path / "run", device="cpu", **arguments)
    assert not (tmp_path / "run").exists()


def test_unknown_names_bring_the_nearest(tmp_path):
    with pytest.raises(UnknownNameError, match="'tecoa-mini'"):
        finetune("tecoa-mni", tiny_clip(), colours(), tmp_path / "run")
    with pytest.raises(UnknownNameError, match="scenes-shapes"):
        finetune(recipe(), tiny_clip(), "scenes-shape", tmp_path / "run", device="cpu")
