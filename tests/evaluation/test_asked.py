"""Suites opened into their sets, and what is not on this disk said before anything runs."""

import pytest

from zsrobust.data.suites import load_suite, suite_names
from zsrobust.errors import DataError, SettingsError, UnknownNameError
from zsrobust.evaluation.asked import Asked, asked_for, missing_from, present


@pytest.mark.parametrize("name", suite_names())
def test_a_suite_comes_to_its_members_with_their_splits_and_prompts(name):
    members = load_suite(name).members
    asked = asked_for([f"suite:{name}"])
    assert asked == asked_for([name])
    assert [(a.dataset, a.split, a.prompts) for a in asked] == [
        (m.dataset, m.split, m.prompts) for m in members
    ]
    assert {a.suite for a in asked} == {name}


def test_sets_and_suites_stand_in_the_order_given_and_once():
    asked = asked_for(["cifar10", "scenes", "cifar10"], None, "single")
    assert asked[0] == Asked("cifar10", "test", "single")
    assert len(asked) == 1 + len(load_suite("scenes").members)
    assert asked_for(["cifar10"], "train") == [Asked("cifar10", "train")]
    assert asked_for(["my/photos"]) == [Asked("my/photos", "test")]


def test_prompts_given_win_over_a_suites_and_a_split_cannot_be():
    assert {a.prompts for a in asked_for(["tga16"], None, "single")} == {"single"}
    with pytest.raises(SettingsError, match="--split train: suite tga16 says which split"):
        asked_for(["tga16"], "train")
    with pytest.raises(UnknownNameError, match="Did you mean 'tga16'"):
        asked_for(["suite:tga-16"])


def test_every_missing_member_is_listed_at_once_with_what_to_do(tmp_path):
    (tmp_path / "wds_cifar10").mkdir()
    asked = asked_for(["tga16"])
    missing = missing_from(asked, tmp_path)
    assert "cifar10" not in {each.dataset for each in missing}
    with pytest.raises(DataError) as caught:
        present(asked, tmp_path, skip_missing=False)
    said = str(caught.value)
    for each in missing:
        assert f"{each.dataset}, split '{each.split}'" in said
    assert said.splitlines()[-1].startswith("15 of 16 sets are missing: tinyimagenet, cifar100")
    assert said.endswith("--skip-missing goes on with the other 1.")


def test_missing_members_are_skipped_when_asked_and_said(tmp_path):
    (tmp_path / "wds_cifar10").mkdir()
    there, said = present(asked_for(["tga16"]), tmp_path, skip_missing=True)
    assert [each.dataset for each in there] == ["cifar10"]
    assert said.startswith("Skipped, not on this disk: tinyimagenet, cifar100")
    with pytest.raises(DataError, match=r"2 of 2 sets are missing: pets, dtd.$"):
        present(asked_for(["pets", "dtd"]), tmp_path, skip_missing=True)


def test_without_any_data_root_it_is_said_once(tmp_path, monkeypatch):
    monkeypatch.delenv("ZSROBUST_DATA_ROOT", raising=False)
    with pytest.raises(DataError, match="--data-root DIR") as caught:
        present(asked_for(["tga16"]), None, skip_missing=True)
    assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(DataError, match="no such folder"):
        present(asked_for(["tga16"]), tmp_path / "nowhere", skip_missing=True)


def test_what_the_package_draws_and_what_is_the_users_own_is_never_missing(tmp_path):
    asked = asked_for(["scenes", str(tmp_path)])
    assert present(asked, None, skip_missing=False) == (asked, "")
