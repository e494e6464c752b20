import pytest

from zsrobust.data.catalogue import dataset_entry, dataset_names
from zsrobust.data.suites import SUITES, SuiteSettings, load_suite, suite_names
from zsrobust.errors import SettingsError, UnknownNameError
from zsrobust.settings import leading_comment, parse

SIZES = {
    "tga16": 16,
    "tecoa16": 16,
    "robustvlm13": 13,
    "imagenet-shifts": 4,
    "scenes": 7,
    "photos-small": 8,
}


def sets(name):
    return {member.dataset for member in load_suite(name).members}


def test_the_suites_have_their_sizes_and_no_set_twice():
    assert set(suite_names()) == SIZES.keys()
    for name, size in SIZES.items():
        suite = load_suite(name)
        assert len(suite.members) == len(sets(name)) == size
        assert suite.description and suite.source


def test_a_suites_name_is_no_datasets():
    assert not set(suite_names()) & set(dataset_names())


@pytest.mark.parametrize("name", SIZES)
def test_every_member_exists_with_its_split_and_prompts(name):
    for member in load_suite(name).members:
        entry = dataset_entry(member.dataset)
        assert member.split in entry.splits
        if member.prompts is not None:
            assert member.prompts in entry.prompts.of_kinds()


@pytest.mark.parametrize("name", SIZES)
def test_a_suite_begins_with_the_command_that_uses_it(name):
    command = leading_comment(SUITES / f"{name}.yaml").splitlines()[0]
    assert command.startswith("zsrobust evaluate ")
    assert f"--dataset {name} " in command


def test_the_studies_take_all_of_the_sets_that_are_not_divided():
    whole = {"sun397", "eurosat", "caltech101", "caltech256"}
    for name in ("tga16", "tecoa16"):
        members = load_suite(name).members
        assert {member.dataset for member in members if member.split == "all"} == whole
        assert {member.prompts for member in members} <= {"as-released", "single"}
    assert {member.split for member in load_suite("robustvlm13").members} == {"test"}
    assert {member.prompts for member in load_suite("robustvlm13").members} == {"ensemble"}


def test_tecoas_and_tgas_lists_differ_in_one_set():
    assert sets("tga16") - sets("tecoa16") == {"tinyimagenet"}
    assert sets("tecoa16") - sets("tga16") == {"hateful_memes"}
    assert not sets("robustvlm13") & {"imagenet1k", "tinyimagenet", "food101", "sun397"}


def test_every_member_of_a_study_has_the_resolution_at_which_it_attacks_it():
    for suite, study in (("tga16", "tga"), ("tecoa16", "tecoa"), ("robustvlm13", "robustvlm")):
        for name in sets(suite):
            assert study in dataset_entry(name).resolutions
    cifar = dataset_entry("cifar10").resolutions
    assert (cifar["tecoa"], cifar["tga"]) == (32, "224x224")


def test_unknown_suites_and_wrong_files_are_named():
    with pytest.raises(UnknownNameError, match="Did you mean 'tga16'"):
        load_suite("tga-16")
    with pytest.raises(SettingsError, match=r"unknown key 'members\.0\.set'"):
        parse(SuiteSettings, {"source": "x", "members": [{"set": "cifar10"}]}, "mine.yaml")
