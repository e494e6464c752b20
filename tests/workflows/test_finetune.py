from dataclasses import replace

import pytest
from PIL import Image
from tests.training.small_training import colours, recipe, weights

from zsrobust.cli.main import main
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


def pairs(count: int = 8):
    """Colours without classes, two captions each."""

    def captions(position):
        return (f"a plain colour, number {position} .", f"number {position} is one colour .")

    return replace(colours(count), labels=None, class_names=(), captions=captions)


def test_pairs_train_on_their_captions_one_an_epoch(tmp_path):
    chosen = recipe(
        objective={"kind": "tecoa", "settings": {"texts": "captions"}}, steps=None, epochs=3
    )
    before = tiny_clip()
    trained = finetune(chosen, before, pairs(), tmp_path / "run", device="cpu")
    assert weights(trained) != weights(before)
    header = read_header(tmp_path / "run").dataset
    assert (header.n, header.labelled, header.class_names) == (8, False, ())


def test_a_list_of_captions_of_ones_own_is_trained_on(folder, tmp_path):
    rows = [f"red/{i}.png,a red square {i}" for i in range(4)]
    rows += [f"blue/{i}.png,a blue square {i}" for i in range(4)]
    (folder / "pairs.csv").write_text("\n".join(["path,caption", *rows]))
    changes = [*SHORT, "resolution=tower"]
    finetune(
        "tecoa-captions-mini", tiny_clip(), folder / "pairs.csv", tmp_path / "run",
        device="cpu", overrides=changes,
    )  # fmt: skip
    assert read_header(tmp_path / "run").dataset.n == 8


@pytest.mark.parametrize("kind", ["fare", "lore", "sim-clip"])
def test_what_learns_from_images_alone_takes_any_set(tmp_path, kind):
    finetune(recipe(kind, steps=1), tiny_clip(), pairs(), tmp_path / "run", device="cpu")
    assert (tmp_path / "run" / "final").is_dir()


def test_photographs_without_labels_or_class_names_are_enough_for_fare(folder, tmp_path):
    changes = ["steps=1", "batch_size=2"]
    (folder / "list.csv").write_text("path\nred/0.png\nblue/1.png\n")
    for name, data in (("folder", folder / "red"), ("list", folder / "list.csv")):
        finetune("fare-quick", tiny_clip(), data, tmp_path / name, device="cpu", overrides=changes)
        found = read_header(tmp_path / name).dataset
        assert (found.labelled, found.class_names) == (False, ())
    with pytest.raises(DataError, match="Name classes: --classes FILE"):
        finetune("agft-quick", tiny_clip(), folder / "red", tmp_path / "run", device="cpu")


def test_unlabelled_photographs_and_class_names_are_enough_for_pseudo_labels(folder, tmp_path):
    for path in [*folder.glob("*/*.png")]:
        path.rename(folder / f"{path.parent.name}-{path.name}")
    for name in ("red", "blue"):
        (folder / name).rmdir()
    (tmp_path / "names.txt").write_text("red square\nblue square\n")
    for name in ("tecoa-pseudo-quick", "agft-quick"):
        command = [
            "train", name, "--model", "scenes-tiny", "--dataset", str(folder),
            "--classes", str(tmp_path / "names.txt"), "--out", str(tmp_path / name),
            "--device", "cpu", "--set", "steps=1", "--set", "batch_size=2", "--set",
            "warmup_steps=0", "--limit", "4",
        ]  # fmt: skip
        assert main(command) == 0
        assert read_header(tmp_path / name).dataset.class_names == ("red square", "blue square")


@pytest.mark.parametrize(
    ("objective", "data", "changes", "said"),
    [
        ({"kind": "tecoa"}, pairs(), {}, r"no labels, which 'tecoa' \(.*Its captions: tecoa-capt"),
        ({"kind": "tga-zsr"}, replace(colours(), labels=None), {}, "no labels, which 'tga-zsr'"),
        ({"kind": "agft"}, pairs(), {}, "colours has no class names"),
        (
            {"kind": "tecoa", "settings": {"texts": "captions"}}, colours(), {},
            "no captions, which 'tecoa' .*flickr8k, or a CSV of path,caption",
        ),
        ({"kind": "fare"}, pairs(), {"validation": {"images": 2, "every": 1}}, "validation=null"),
        ({"kind": "fare"}, pairs(), {"samples_per_class": 1}, "nothing can be chosen by class"),
    ],
)  # fmt: skip
def test_a_set_that_lacks_what_the_recipe_learns_from_is_refused_before_a_model_is_loaded(
    tmp_path, objective, data, changes, said
):
    chosen = recipe(objective=objective, **changes)
    with pytest.raises((DataError, InputError), match=said):
        finetune(chosen, "no-such-model", data, tmp_path / "run", device="cpu")
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
