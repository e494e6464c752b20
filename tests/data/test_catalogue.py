import re
from pathlib import Path

import pytest
from tests.data.small_sets import write_cifar10, write_photos

import zsrobust
from zsrobust.data.catalogue import ENTRIES, dataset_entry, dataset_names, load_dataset
from zsrobust.data.entry import DatasetEntry
from zsrobust.data.readers.catalogue import READERS
from zsrobust.errors import DataError, SettingsError, UnknownNameError
from zsrobust.settings import leading_comment, parse, read_yaml

PACKAGE = Path(zsrobust.__file__).parent
OUTSIDE = [name for name in dataset_names() if not name.startswith("scenes-")]
PAIRS = [name for name in OUTSIDE if dataset_entry(name).kind == "pairs"]
CLASSED = [name for name in OUTSIDE if name not in PAIRS]
SCENES = [name for name in dataset_names() if name.startswith("scenes-")]


@pytest.mark.parametrize("name", dataset_names())
def test_every_entry_is_valid_and_begins_with_a_command_that_exists(name):
    entry = dataset_entry(name)
    assert entry.source and entry.licence and entry.citation
    command = leading_comment(ENTRIES / f"{name}.yaml")
    assert re.match(r"zsrobust (evaluate|train) ", command)
    assert f"--dataset {name} " in command
    for option, folder in (("protocol", "evaluation/protocols"), ("model", "models/entries")):
        for used in re.findall(rf"--{option} (\S+)", command):
            assert (PACKAGE / folder / f"{used}.yaml").is_file()
    for recipe in re.findall(r"zsrobust train (\S+)", command):
        assert (PACKAGE / "training" / "recipes" / f"{recipe}.yaml").is_file()


@pytest.mark.parametrize("name", CLASSED)
def test_every_set_has_prompts_faults_a_place_to_get_it_and_a_reader(name):
    entry = dataset_entry(name)
    assert entry.notes and entry.resolutions
    assert set(entry.splits) == {split for layout in entry.layouts for split in layout.splits}
    for layout in entry.layouts:
        assert callable(READERS[layout.kind])
    kinds = entry.prompts.of_kinds()
    assert kinds["single"][0].count("{}") == 1
    assert entry.prompts.unofficial == (name == "hateful_memes")
    assert ("as-released" in kinds) == (name != "hateful_memes")
    assert ("ensemble" in kinds) == (name not in ("hateful_memes", "caltech256"))


@pytest.mark.parametrize("name", SCENES)
def test_scenes_have_the_counts_of_their_entries_and_masks(name):
    entry = dataset_entry(name)
    for split in ("val", "test"):
        dataset = load_dataset(name, split=split)
        assert (len(dataset), dataset.variant) == (entry.splits[split].count, "official")
    assert max(dataset.labels) < len(dataset.class_names)
    first = dataset.first(2)
    assert first.read(0).size == (56, 56)
    assert first.mask(0).shape == (56, 56)
    assert 0.02 < float(first.mask(0).mean()) < 0.6


def test_subsets_nest_and_each_has_its_own_hash():
    whole = load_dataset("scenes-sizes")
    nine, four = whole.first(9), whole.first(4)
    assert nine.first(4).ids == four.ids == whole.ids[:4]
    assert nine.first(4).labels == four.labels == whole.labels[:4]
    assert nine.first(4).variant_hash() == four.variant_hash()
    assert len({part.variant_hash() for part in (whole, nine, four)}) == 3
    assert (whole.variant, four.variant, whole.first(10**6).variant) == (
        "official", "subset", "official",
    )  # fmt: skip
    assert load_dataset("scenes-sizes").variant_hash() == whole.variant_hash()


def test_the_hash_tells_tasks_over_the_same_images_apart():
    ids = load_dataset("scenes-sizes").ids
    assert load_dataset("scenes-colours").ids == ids
    assert load_dataset("scenes-colours").variant_hash() != (
        load_dataset("scenes-sizes").variant_hash()
    )


@pytest.mark.parametrize("name", OUTSIDE)
def test_absent_data_says_what_was_looked_for_where_and_how_to_get_it(name, tmp_path, monkeypatch):
    monkeypatch.delenv("ZSROBUST_DATA_ROOT", raising=False)
    entry = dataset_entry(name)
    split = "test" if name in CLASSED else "train"
    split = split if split in entry.splits else "all"
    offered = [layout for layout in entry.layouts if split in layout.splits]
    with pytest.raises(DataError, match=f"{name} .*{offered[0].folder}.*: --data-root DIR.*ZSROB"):
        load_dataset(name, split=split)
    with pytest.raises(DataError) as error:
        load_dataset(name, split=split, data_root=tmp_path)
    for layout in offered:
        assert layout.how in str(error.value)
        assert all(folder in str(error.value) for folder in layout.folders)
    assert str(tmp_path) in str(error.value)


def test_a_split_that_another_layout_has_is_pointed_at(tmp_path):
    with pytest.raises(DataError, match=r"all \(caltech101/101_ObjectCategories\)"):
        load_dataset("caltech101", data_root=tmp_path)


def test_a_set_that_is_not_divided_is_read_whole(tmp_path):
    with pytest.raises(DataError, match="sun397, split 'all'"):
        load_dataset("sun397", data_root=tmp_path)
    with pytest.raises(DataError, match="no split 'val'"):
        load_dataset("sun397", split="val", data_root=tmp_path)


def test_the_data_root_may_come_from_the_environment(tmp_path, monkeypatch):
    write_cifar10(tmp_path)
    monkeypatch.setenv("ZSROBUST_DATA_ROOT", str(tmp_path))
    assert len(load_dataset("cifar10")) == 12
    monkeypatch.setenv("ZSROBUST_DATA_ROOT", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"nowhere: no such folder .*from ZSROBUST_DATA_ROOT"):
        load_dataset("cifar10")
    assert len(load_dataset("cifar10", data_root=tmp_path)) == 12


def test_images_below_the_official_size_are_a_miniature(tmp_path):
    write_cifar10(tmp_path / "full")
    write_cifar10(tmp_path / "small", size=(20, 31))
    full = load_dataset("cifar10", data_root=tmp_path / "full")
    small = load_dataset("cifar10", data_root=tmp_path / "small")
    assert (full.variant, small.variant) == ("subset", "miniature")
    assert small.first(3).variant == "miniature"
    assert set(small.notes) - set(full.notes) == set(dataset_entry("cifar10").miniature_notes)


def test_an_entry_of_ones_own_is_a_dataset(tmp_path):
    write_cifar10(tmp_path).rename(tmp_path / "wds_mine")
    file = tmp_path / "mine.yaml"
    text = (ENTRIES / "cifar10.yaml").read_text().replace("wds_cifar10\n", "wds_mine\n", 1)
    file.write_text(text.replace("test: {count: 10000}", "test: {count: 12}"))
    mine = load_dataset(str(file), data_root=tmp_path)
    assert (mine.name, len(mine), mine.variant) == ("mine", 12, "official")
    file.write_text(text.replace("\nsplits:", "\nsplit:"))
    with pytest.raises(SettingsError, match=r"mine\.yaml: unknown key 'split'.*'splits'"):
        load_dataset(file, data_root=tmp_path)
    with pytest.raises(SettingsError, match="no such file"):
        load_dataset(tmp_path / "other.yaml", data_root=tmp_path)
    file.write_text((ENTRIES / "scenes-sizes.yaml").read_text())
    with pytest.raises(UnknownNameError, match="no task 'mine'"):
        load_dataset(file)


LAYOUT = {"kind": "webdataset", "folder": "x", "splits": {"test": "test"}, "how": "Fetch it."}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": 0}, "version = 0"),
        ({"splits": {}}, "splits"),
        ({"splits": {"test": {"count": 0}}}, "splits.test.count = 0"),
        ({"prompts": {"single": ["a photo"]}}, "prompts.single: 'a photo' needs one {}"),
        ({"prompts": {"single": ["{}", "a {}"]}}, "prompts.single"),
        ({"prompts": {"single": ["{}"], "ensemble": "cats"}}, "'cats': there is no such list"),
        ({"prompts": None}, "kind images needs `prompts`"),
        ({"layouts": []}, "kind images needs `layouts`"),
        ({"layouts": [{**LAYOUT, "folder": "../x"}]}, "'../x': must lie within the data root"),
        ({"layouts": [{**LAYOUT, "splits": {"dev": "x"}}]}, "split 'dev' is none of the set's"),
        ({"layouts": [{**LAYOUT, "kind": "zip"}]}, "unknown layout 'zip'"),
        ({"kind": "zip"}, "kind = 'zip'"),
        ({"kind": "pairs"}, "kind pairs has captions"),
        (
            {"kind": "pairs", "prompts": None, "class_names": None}
            | {"splits": {"test": {"count": 1, "part": "rest"}}},
            "kind pairs has no labels",
        ),
        ({"kind": "pairs", "layouts": []}, "kind pairs needs `layouts`"),
        ({"licence": ""}, "licence"),
    ],
)
def test_a_wrong_entry_says_what_is_wrong_with_it(changes, said):
    content = {**read_yaml(ENTRIES / "cifar10.yaml"), **changes}
    with pytest.raises(SettingsError, match=re.escape(said)):
        parse(DatasetEntry, content, "cifar10.yaml")


def test_unknown_names_bring_the_nearest_known_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownNameError, match="Did you mean 'cifar10'"):
        load_dataset("cifar-10")
    with pytest.raises(UnknownNameError, match="Did you mean 'scenes-shapes'"):
        dataset_entry("scene-shapes")
    with pytest.raises(DataError, match="no such folder"):
        load_dataset("my/photos")
    with pytest.raises(DataError, match=r"no split 'dev'\. It has: train, test"):
        load_dataset("cifar10", split="dev", data_root=tmp_path)


def test_a_name_wins_over_a_folder_which_a_path_still_reaches(tmp_path, monkeypatch):
    write_photos(tmp_path / "scenes-sizes")
    monkeypatch.chdir(tmp_path)
    assert load_dataset("scenes-sizes").variant == "official"
    assert load_dataset("./scenes-sizes").variant == "user"


def test_names_cannot_be_typed_for_a_catalogued_set(tmp_path):
    with pytest.raises(DataError, match="scenes-colours brings its own class names"):
        load_dataset("scenes-colours", classes_file=tmp_path / "names.txt")
