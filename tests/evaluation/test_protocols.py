"""A released protocol never changes, and a catalogued attack is spelled out in it."""

import pytest

from zsrobust.attacks.catalogue import ATTACKS
from zsrobust.errors import SettingsError
from zsrobust.evaluation.protocol import load_protocol, protocol_names, protocol_of

RELEASED = {
    "apgd-ce+t": "145ef89abf1587e0",
    "apgd-ce+t-eps2": "994c8e49a558ae3e",
    "apgd-ce+t-eps4": "30673e036464571f",
    "apgd-ce+t-l2": "b58492a607e7cf26",
    "autoattack": "710027c49b459dfe",
    "autoattack-eps2": "d6799fa9d4bdfb7a",
    "autoattack-eps4": "e71ff87a3e2771d9",
    "clean": "d6f3c00a32edc715",
    "pgd-100-as-released": "8f7926b56b1c88ed",
    "pgd-100-as-released-fp16": "9e384c6647fe4eb7",
    "pgd-20": "38883dfcd2eda8fb",
    "pgd-20-eps2": "02916529bc45b2e9",
    "pgd-20-eps4": "52b6dd781deb6ff2",
    "robustvlm-as-released-eps1": "593d800f9be8b9c1",
    "robustvlm-as-released-eps2": "9ebdaf70bc4ab3b7",
    "robustvlm-as-released-eps4": "427027193231aae2",
    "robustvlm-eps2": "fab7b83c0b9cf336",
    "robustvlm-eps4": "05e99c7a2960b547",
    "tecoa-as-released": "e86425a8a4b99c1b",
    "tecoa-as-released-fp16": "082fda4fdc2a0066",
    "tga-as-released": "93b372ff6e896af4",
    "tga-as-released-fp16": "c8b1ebb7f50f3717",
    "tga-autoattack": "8da4807b169761f7",
    "tga-autoattack-as-released": "38f42ced36f302e6",
    "tga-cw-as-released": "b117f6974f3f85c4",
}


def test_what_a_released_name_means_has_not_changed():
    """A red line here asks for a new name, not for a new hash."""
    assert {name: load_protocol(name).hash for name in protocol_names()} == RELEASED


def test_a_catalogued_attack_stands_in_the_header_with_all_its_settings():
    content = load_protocol("autoattack").content
    names = [member["name"] for member in content["cascade"]]
    assert names == ["apgd-ce", "apgd-t", "fab-t", "square"]
    assert content["cascade"][1] == {
        "kind": "APGD",
        "name": "apgd-t",
        "loss": "targeted-dlr",
        "steps": 100,
        "restarts": 1,
        "targets": 9,
    }
    assert "steps" not in content and "losses" not in content


@pytest.mark.parametrize("name", protocol_names())
def test_a_run_leads_back_to_its_protocol(name):
    protocol = load_protocol(name)
    again = protocol_of(name, protocol.content)
    assert (again.hash, again.cascade, again.radii) == (
        protocol.hash,
        protocol.cascade,
        protocol.radii,
    )


def test_a_run_of_another_cascade_by_the_same_name_is_refused():
    content = load_protocol("apgd-ce+t").content
    content["cascade"][0]["steps"] = 10
    with pytest.raises(SettingsError, match="not what this zsrobust calls by that name"):
        protocol_of("apgd-ce+t", content)


def test_a_catalogued_attack_takes_no_settings_of_pgd():
    with pytest.raises(SettingsError, match="steps: settings of attack 'pgd'; 'apgd-ce\\+t' fixes"):
        load_protocol("apgd-ce+t", ["steps=50"])
    assert load_protocol(load_protocol("apgd-ce+t"), ["eps=2/255"]).radii == (2 / 255,)


def test_an_unknown_attack_brings_the_nearest_known():
    with pytest.raises(
        SettingsError, match=r"unknown attack .autoatack.\. Did you mean .autoattack."
    ):
        load_protocol("apgd-ce+t", ["attack=autoatack"])
    assert load_protocol("apgd-ce+t", ["attack=square"]).cascade == ATTACKS["square"]
