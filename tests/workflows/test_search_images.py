"""Trials are judged on images of the training set that none learns from, under one attack."""

import pytest
from tests.data.small_sets import parquet_rows, write_parquet
from tests.workflows.small_search import run, short

from zsrobust.errors import InputError
from zsrobust.records.header import read_header
from zsrobust.workflows.search_images import search_images


@pytest.fixture
def train_only(tmp_path):
    """A data root that holds Tiny-ImageNet's training part, and no test images anywhere."""
    place = tmp_path / "root" / "tinyimagenet" / "data"
    write_parquet(place / "train-00000-of-00001.parquet", parquet_rows(0, 30))
    return tmp_path / "root"


def test_the_catalogued_validation_split_is_used_and_no_test_set_is_read(train_only, tmp_path):
    found = run(
        tmp_path / "out", dataset="tinyimagenet", data_root=train_only, images=8,
        recipe=short(batch_size=4),
    )  # fmt: skip
    assert (found.record.validation.split, found.record.n) == ("val", 8)
    for trial in found.record.trials:
        assert read_header(found.path / trial.measured).dataset.split == "val"
        header = read_header(found.path / trial.folder).dataset
        assert (header.split, header.n) == ("train", 10)


ENTRY = """
version: 1
description: "Two letters, divided in two ways."
source: "https://example.org"
citation: "nobody"
licence: "CC0"
kind: images
splits: {train: {count: 100}, val: {count: 100}}
layouts:
  - {kind: parquet, folder: one, splits: {train: train}, how: "Fetch one."}
  - {kind: parquet, folder: other, splits: {train: train, val: val}, how: "Fetch the other."}
prompts: {single: ["a letter {}."]}
"""


def test_a_validation_split_of_another_layout_could_hold_training_images(tmp_path):
    entry, root = tmp_path / "letters.yaml", tmp_path / "root"
    entry.write_text(ENTRY)
    for folder, split, start in (("other", "train", 0), ("other", "val", 12)):
        place = root / folder / "data" / f"{split}-00000.parquet"
        write_parquet(place, parquet_rows(start, 12))
    images = search_images(entry, short(), 4, root, seed=0)
    assert (images.validation.split, len(images.validation)) == ("val", 4)
    write_parquet(root / "one" / "data" / "train-00000.parquet", parquet_rows(8, 12))
    images = search_images(entry, short(), 4, root, seed=0)
    assert images.validation.split == "train, held out"
    assert (len(images.training), len(images.validation)) == (8, 4)
    assert not {*images.training.ids} & {*images.validation.ids}


def test_classes_of_the_recipe_are_those_of_the_validation_images(tmp_path):
    found = run(tmp_path / "out", dataset="scenes-shapes", images=12, limit=8,
                recipe=short(classes=3), grid=["lr=0.003"])  # fmt: skip
    (trial,) = found.record.trials
    trained = read_header(found.path / trial.folder).dataset
    assert found.record.validation.split == "val"
    assert len(trained.class_names) == 3
    assert trained.class_names == found.record.validation.class_names
    held = run(tmp_path / "held", recipe=short(classes=2), grid=["lr=0.003"]).record
    assert (held.n, len(held.validation.class_names)) == (6, 2)


def test_all_trials_are_measured_at_the_radius_that_the_recipe_began_with(tmp_path):
    found = run(tmp_path / "out", grid=["attack.eps=2/255,8/255"])
    for trial in found.record.trials:
        assert read_header(found.path / trial.measured).protocol.content["eps"] == ["4/255"]


def test_a_training_without_attack_needs_a_radius(tmp_path):
    with pytest.raises(InputError, match=r"--eps 1/255"):
        run(tmp_path / "out", recipe=short(attack="none"))
    found = run(tmp_path / "out", recipe=short(attack="none"), eps="1/255", grid=["lr=0.003"])
    assert found.record.protocol.content["eps"] == ["1/255"]


def test_another_protocol_of_one_radius_judges_as_well(tmp_path):
    found = run(tmp_path / "out", protocol="pgd-20", grid=["lr=0.003"])
    (trial,) = found.record.trials
    assert trial.measured.endswith("--pgd-20")
    assert found.record.protocol.content["prompts"] == "dataset"
    for protocol, said in (("clean", "has 0 radii"), ("tga-as-released", "asks for prompts")):
        with pytest.raises(InputError, match=said):
            run(tmp_path / "other", protocol=protocol)
