"""The lists of class names: complete, in order, and with the collisions that the papers have."""

from collections import Counter
from pathlib import Path

import pytest

from zsrobust.data.catalogue import dataset_entry, dataset_names
from zsrobust.data.class_lists import (
    CLASS_NAMES,
    class_list,
    name_lists,
    official_names,
    plain_words,
)
from zsrobust.errors import SettingsError

COUNTS = {
    "tinyimagenet": 200, "cifar10": 10, "cifar100": 100, "stl10": 10, "sun397": 397,
    "imagenet1k": 1000, "caltech101": 101, "caltech256": 257, "cars": 196, "food101": 101,
    "pets": 37, "flowers102": 102, "dtd": 47, "eurosat": 10, "fgvc_aircraft": 100, "pcam": 2,
    "imagenet-a": 200, "imagenet-o": 200, "imagenet-r": 200, "imagenet-sketch": 1000,
    "country211": 211, "hateful_memes": 2,
}  # fmt: skip
SPLITS = {
    "tinyimagenet": 10000, "cifar10": 10000, "cifar100": 10000, "stl10": 8000, "sun397": 108754,
    "imagenet1k": 50000, "caltech101": 8677, "caltech256": 30607, "cars": 8041, "food101": 25250,
    "pets": 3669, "flowers102": 6149, "dtd": 1880, "eurosat": 27000, "fgvc_aircraft": 3333,
    "pcam": 32768, "hateful_memes": 3000,
}  # fmt: skip
"""The images that TeCoA and TGA-ZSR measure on."""


def lists(name):
    return name_lists(dataset_entry(name))


def repeated(names):
    return {name for name, count in Counter(names).items() if count > 1}


def test_every_set_of_images_has_its_number_of_classes_in_every_list():
    images = {name for name in dataset_names() if dataset_entry(name).kind == "images"}
    assert images == COUNTS.keys()
    for name, count in COUNTS.items():
        assert {len(names) for names in lists(name).values()} == {count}
        official = official_names(dataset_entry(name))
        assert official is None or len(set(official)) == len(official) == count


@pytest.mark.parametrize("name", SPLITS)
def test_the_split_that_the_studies_take_has_the_public_count(name):
    entry = dataset_entry(name)
    assert entry.splits["all" if "all" in entry.splits else "test"].count == SPLITS[name]


OPENAIS, OLD = {"missile", "sunglasses"}, {"crane", "maillot", "cardigan"}
IMAGENETS = {"dataset": OPENAIS, "openai": OPENAIS, "as-released": OLD}
CARS = {
    "audi s4 sedan", "bentley continental gt coupe", "dodge caliber wagon", "dodge durango suv",
    "ford f 150 regular cab", "honda odyssey minivan", "volkswagen golf hatchback",
}  # fmt: skip
COLLISIONS = {
    "imagenet1k": IMAGENETS,
    "imagenet-sketch": IMAGENETS,
    "cars": {"as-released": CARS},
}


@pytest.mark.parametrize("name", COUNTS)
def test_names_differ_but_for_the_known_collisions(name):
    known = COLLISIONS.get(name, {})
    for variant, names in lists(name).items():
        assert repeated(names) == known.get(variant, set())


def test_imagenet_has_997_names_as_released_and_998_of_openais():
    names = lists("imagenet1k")
    assert len(set(names["as-released"])) == 997
    assert len(set(names["openai"])) == 998
    assert names["dataset"] == names["openai"]
    wnids = class_list("imagenet1k.wnids")
    pairs = {
        "crane": {"n02012849", "n03126707"},
        "maillot": {"n03710637", "n03710721"},
        "cardigan": {"n02113186", "n02963159"},
    }
    for shared, ids in pairs.items():
        found = {w for w, name in zip(wnids, names["as-released"], strict=True) if name == shared}
        assert found == ids


def test_openais_lists_are_open_clips():
    from open_clip import IMAGENET_CLASSNAMES, OPENAI_IMAGENET_TEMPLATES

    assert lists("imagenet1k")["openai"] == tuple(IMAGENET_CLASSNAMES)
    ensemble = dataset_entry("imagenet1k").prompts.of_kinds()["ensemble"]
    assert set(ensemble) == {template("{}") for template in OPENAI_IMAGENET_TEMPLATES}


def test_the_releases_list_has_the_first_word_of_each_synset():
    import timm

    info = Path(timm.__file__).parent / "data" / "_info"
    assert class_list("imagenet1k.wnids") == tuple(
        (info / "imagenet_synsets.txt").read_text().split()
    )
    lines = (info / "imagenet_synset_to_lemma.txt").read_text().splitlines()
    first = {wnid: words.split(",")[0] for wnid, words in (line.split("\t", 1) for line in lines)}
    names = zip(class_list("imagenet1k.wnids"), lists("imagenet1k")["as-released"], strict=True)
    assert all(plain_words(first[wnid]) == name for wnid, name in names)


@pytest.mark.parametrize("part", ["tinyimagenet", "imagenet-a", "imagenet-o", "imagenet-r"])
def test_parts_of_imagenet_have_its_names_for_their_wordnet_ids_in_sorted_order(part):
    whole = class_list("imagenet1k.wnids")
    ids = class_list(f"{part}.wnids")
    assert list(ids) == sorted(set(ids))
    for variant in ("openai", "as-released"):
        name = dict(zip(whole, lists("imagenet1k")[variant], strict=True))
        assert lists(part)[variant] == tuple(name[each] for each in ids)


def test_names_of_the_releases_are_as_their_code_makes_them():
    assert lists("cars")["as-released"][0] == "am general hummer suv"
    assert lists("fgvc_aircraft")["as-released"][0] == "boeing 707-320"
    assert lists("fgvc_aircraft")["as-released"][21] == "a300b4"
    assert lists("eurosat")["as-released"][3] == "a highway or a road"
    assert lists("caltech101")["as-released"][:2] == ("faces", "faces easy")
    assert lists("caltech256")["as-released"][-1] == "clutter"
    assert "apse indoor" in lists("sun397")["as-released"]
    assert lists("dtd")["as-released"][30] == "polka dotted"
    assert lists("pcam")["as-released"][0].startswith("Tthis is a photo of healthy")
    assert "Timor Leste" in lists("country211")["as-released"]


def test_orders_are_those_of_torchvision_where_it_knows_them():
    from torchvision.datasets import Flowers102

    plain = [name.lower().replace("-", " ").strip() for name in Flowers102.classes]
    assert list(lists("flowers102")["as-released"]) == plain
    assert official_names(dataset_entry("eurosat"))[2] == "HerbaceousVegetation"
    for name in ("caltech101", "caltech256", "country211", "eurosat", "food101"):
        official = official_names(dataset_entry(name))
        assert list(official) == sorted(official)


def test_every_list_is_used_and_an_unknown_one_is_named():
    used = set()
    for name in COUNTS:
        entry = dataset_entry(name)
        named = entry.class_names
        used |= {named} if isinstance(named, str) else set(named.values())
        used |= {entry.wordnet_ids, entry.folder_names, entry.as_released_names}
    assert {path.stem for path in CLASS_NAMES.glob("*.txt")} == used - {None}
    with pytest.raises(SettingsError, match="class list 'cats'"):
        class_list("cats")
