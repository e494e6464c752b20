import datetime

import pytest
from pydantic import Field

from zsrobust.errors import SettingsError, UnknownNameError
from zsrobust.settings import (
    StrictModel,
    canonical_hash,
    find_entry,
    leading_comment,
    parse,
    read_yaml,
    with_overrides,
)


class Inner(StrictModel):
    steps: int = Field(2, ge=1)


class Outer(StrictModel):
    name: str
    inner: Inner


def test_all_faults_are_told_at_once_with_the_nearest_known_key():
    with pytest.raises(SettingsError) as caught:
        parse(Outer, {"inner": {"steps": 0, "stepps": 3}}, "x.yaml")
    message = str(caught.value)
    assert "x.yaml: 'name' is missing." in message
    assert "inner.steps = 0" in message
    assert "unknown key 'inner.stepps'. Did you mean 'steps'?" in message


def test_overrides_reach_nested_keys_and_are_read_as_yaml():
    assert with_overrides({"a": {"b": 1}}, ["a.b=2", "c=[x, y]"]) == {
        "a": {"b": 2},
        "c": ["x", "y"],
    }


@pytest.mark.parametrize("override", ["a.b", "=3", "a.b.c=1"])
def test_an_override_that_says_nothing_is_refused(override):
    with pytest.raises(SettingsError, match="--set"):
        with_overrides({"a": {"b": 1}}, [override])


def test_a_hash_ignores_the_order_of_keys_and_sees_every_value():
    assert canonical_hash({"a": 1, "b": 2}) == canonical_hash({"b": 2, "a": 1})
    assert canonical_hash({"a": 1}) != canonical_hash({"a": 2})


def test_a_broken_yaml_is_named_with_its_line(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text("a: 1\nb: [2\n")
    with pytest.raises(SettingsError, match=r"broken\.yaml, line 3"):
        read_yaml(path)
    path.write_text("- a\n")
    with pytest.raises(SettingsError, match="expected `key: value`"):
        read_yaml(path)
    with pytest.raises(SettingsError, match="no such file"):
        read_yaml(tmp_path / "absent.yaml")


def test_a_users_own_file_works_wherever_a_name_does(tmp_path):
    (tmp_path / "mine.yaml").write_text("# a head\n# of two lines\na: 1\n")
    assert find_entry(tmp_path / "mine.yaml", tmp_path, "recipe", "x").name == "mine.yaml"
    assert find_entry("mine", tmp_path, "recipe", "x").name == "mine.yaml"
    assert leading_comment(tmp_path / "mine.yaml") == "a head\nof two lines"
    with pytest.raises(UnknownNameError, match=r"Unknown recipe 'mime'\. Did you mean 'mine'"):
        find_entry("mime", tmp_path, "recipe", "zsrobust recipes")
    with pytest.raises(SettingsError, match="no such file"):
        find_entry("other.yaml", tmp_path, "recipe", "x")


def test_an_override_that_is_no_yaml_is_named():
    with pytest.raises(SettingsError, match=r"--set 'a=\[': '\[' is not a YAML value"):
        with_overrides({}, ["a=["])


def test_overrides_leave_the_settings_that_came_in_as_they_were():
    content = {"a": {"b": 1}, "seen": datetime.date(2024, 1, 2)}
    assert with_overrides(content, ["a.b=2"])["seen"] == datetime.date(2024, 1, 2)
    assert content["a"] == {"b": 1}


def test_a_number_that_yaml_reads_as_text_is_a_number_and_another_text_is_not():
    class Rate(StrictModel):
        lr: float

    assert parse(Rate, with_overrides({}, ["lr=1e-4"]), "x").lr == 1e-4
    with pytest.raises(SettingsError, match="lr = 'fast'"):
        parse(Rate, {"lr": "fast"}, "x")


def test_hashes_are_the_same_on_every_machine():
    assert canonical_hash({"b": [1, 2.5, None], "a": "ü"}) == "91ff63a7ddb19a1b"
