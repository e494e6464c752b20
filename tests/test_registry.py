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
