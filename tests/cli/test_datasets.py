import json

import pytest

from zsrobust.cli.main import main
from zsrobust.data.catalogue import dataset_entry, dataset_names


@pytest.fixture(autouse=True)
def _narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def printed(capsys, *arguments):
    assert main(["datasets", *arguments]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", dataset_names())
def test_a_set_is_shown_at_80_columns_with_all_that_is_known_of_it(name, capsys):
    text = printed(capsys, name)
    assert max(len(line) for line in text.splitlines()) <= 80
    pairs = dataset_entry(name).kind == "pairs"
    for heading in ("splits", "classes", "licence", "source", "cite"):
        assert f"\n{heading}" in text
    assert ("\nprompts" in text) != pairs
    if not name.startswith("scenes-"):
        for heading in ("faults", "where"):
            assert f"\n{heading}" in text
        assert ("\nattacked at" in text) != pairs


def test_show_says_what_the_releases_do_otherwise(capsys):
    text = " ".join(printed(capsys, "cifar10").split())
    assert "TeCoA: 32 px" in text and "TGA-ZSR: 224 px" in text
    text = " ".join(printed(capsys, "imagenet1k").split())
    assert "only 997 names differ" in text and "only 998 names differ" in text
    assert "unofficial" in printed(capsys, "hateful_memes")


def test_the_word_show_may_be_left_out(capsys):
    assert printed(capsys, "pets") == printed(capsys, "show", "pets")


def test_overlap_with_another_set_is_counted_and_says_how(capsys):
    text = " ".join(printed(capsys, "imagenet-a", "--overlap", "tinyimagenet").split())
    assert "classes of imagenet-a are in tinyimagenet too (by WordNet id)" in text
    text = " ".join(printed(capsys, "cifar10", "--overlap", "tinyimagenet").split())
    assert "by equal names: synonyms are not seen" in text
    found = json.loads(printed(capsys, "stl10", "--overlap", "cifar10", "--json"))["overlap"]
    assert found["by"] == "name" and len(found["shared"]) == 8


def test_pairs_are_listed_with_captions_in_the_place_of_classes(capsys):
    assert "flickr8k            captions  6,000" in printed(capsys)
    assert main(["datasets", "cifar10", "--overlap", "flickr8k"]) == 2
    assert "flickr8k has captions and no classes" in capsys.readouterr().err


def test_json_spells_the_kinds_of_prompts_as_the_command_line_does(capsys):
    entry = json.loads(printed(capsys, "pcam", "--json"))
    assert entry["prompts"]["as-released"] == ["{}"]
    assert set(json.loads(printed(capsys, "--json"))) == set(dataset_names())


def test_unknown_names_bring_the_nearest(capsys):
    assert main(["datasets", "cifar-10"]) == 2
    assert "Did you mean 'cifar10'" in capsys.readouterr().err
    assert main(["datasets", "cifar10", "--overlap", "imagnet1k"]) == 2
    assert "imagenet1k" in capsys.readouterr().err
