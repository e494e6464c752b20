import pytest

from zsrobust.errors import InputError, RunError, UnknownNameError
from zsrobust.registry import Registry, did_you_mean

SHELF = Registry(kind="attack", entries={"pgd": "math:sqrt", "square": len}, see="zsrobust list")


def test_a_name_is_imported_when_it_is_looked_up():
    assert SHELF["pgd"](9.0) == 3.0
    assert SHELF["square"] is len


def test_an_unknown_name_brings_the_nearest_known_and_where_to_look():
    with pytest.raises(UnknownNameError, match=r"Unknown attack 'pdg'\. Did you mean 'pgd'\? See"):
        SHELF["pdg"]


def test_a_name_like_nothing_known_brings_the_whole_list():
    assert did_you_mean("zebra", ["pgd", "square"]) == " Known: pgd, square."


def test_what_the_user_can_mend_exits_2_and_a_fault_while_running_exits_1():
    assert InputError.exit_code == 2
    assert UnknownNameError.exit_code == 2
    assert RunError.exit_code == 1


def test_a_long_list_of_names_is_not_poured_into_a_message():
    assert did_you_mean("zebra", [f"model-{i}" for i in range(100)]) == ""
    assert did_you_mean("zebra", []) == ""


def test_a_registry_lists_its_names_in_order_and_knows_them():
    assert list(SHELF) == ["pgd", "square"]
    assert len(SHELF) == 2
    assert "pgd" in SHELF and "pdg" not in SHELF


def test_every_error_is_of_one_family_with_an_exit_code():
    from zsrobust import errors

    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert len(kinds) == 12
    assert all(issubclass(kind, errors.ZsrobustError) for kind in kinds)
    assert all(kind.exit_code == (2 if issubclass(kind, InputError) else 1) for kind in kinds)
