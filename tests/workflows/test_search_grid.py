"""Which settings a grid names, and which of its points are tried."""

import pytest
from tests.training.small_training import recipe

from zsrobust.errors import InputError, SettingsError
from zsrobust.training.recipe import load_recipe
from zsrobust.workflows.search_grid import draw, parse_points, read_grid

GRID = {"optimizer.lr": ("1e-4", "2e-4", "4e-4"), "objective.settings.alpha": ("0.04", "0.08")}


def tga(*words):
    return read_grid(words, load_recipe("tga-zsr-quick"))


def test_a_key_is_a_place_of_the_recipe_or_its_last_name():
    grid = tga("lr=1e-4,4e-4", "alpha=0.08", "attack.eps=1/255,2/255", "steps=5,10")
    assert grid == {
        "optimizer.lr": ("1e-4", "4e-4"),
        "objective.settings.alpha": ("0.08",),
        "attack.eps": ("1/255", "2/255"),
        "steps": ("5", "10"),
    }


def test_commas_within_brackets_belong_to_the_value():
    grid = tga("betas=[0.9, 0.99],[0.9, 0.999]", "trainable=tower,{last-blocks: 1}")
    assert grid["optimizer.betas"] == ("[0.9, 0.99]", "[0.9, 0.999]")
    assert grid["trainable"] == ("tower", "{last-blocks: 1}")
    points = parse_points(draw(grid, None, seed=0), "tga-zsr-quick", [])
    assert [each.trainable.kind for each in points].count("last-blocks") == 2
    assert sorted(each.optimizer.betas[1] for each in points) == [0.99, 0.99, 0.999, 0.999]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["alhpa=1"], r"no setting 'alhpa'\. Did you mean 'alpha'"),
        (["kind=a"], r"means objective\.kind or attack\.kind or optimizer\.kind"),
        (["alpha"], "expected KEY=VALUE,VALUE"),
        (["alpha=0.1,"], "expected KEY=VALUE,VALUE"),
        (["lr=1e-4", "optimizer.lr=2e-4"], r"'optimizer\.lr' is in the grid already"),
        (["classes=2,3"], "not measured on the same images"),
        ([], "The grid is empty"),
    ],
)
def test_what_names_no_setting_is_said(words, said):
    with pytest.raises(SettingsError, match=said):
        tga(*words)


def test_an_objective_that_lacks_the_setting_refuses_it():
    with pytest.raises(SettingsError, match="no setting 'alpha'"):
        read_grid(["alpha=0.1"], load_recipe("tecoa-quick"))


def test_the_draw_repeats_no_point_and_fewer_lie_in_more():
    whole = draw(GRID, None, seed=0)
    assert len({point.name for point in whole}) == 6 == len(draw(GRID, 6, seed=0))
    for count in range(1, 6):
        assert draw(GRID, count, seed=0) == whole[:count]
    orders = {tuple(point.name for point in draw(GRID, None, seed)) for seed in range(5)}
    assert len(orders) > 1
    assert {frozenset(order) for order in orders} == {frozenset(point.name for point in whole)}


@pytest.mark.parametrize("count", [0, 7])
def test_a_number_of_trials_that_the_grid_does_not_hold_is_refused(count):
    with pytest.raises(InputError, match=f"--trials {count}: the grid has 6 points"):
        draw(GRID, count, seed=0)


def test_a_point_is_named_by_its_values_safely_for_a_folder():
    grid = {"attack.eps": ("4/255",), "objective.settings.alpha": ("0.08",)}
    assert [point.name for point in draw(grid, None, seed=0)] == ["eps=4-255_alpha=0.08"]
    both = {"attack.kind": ("pgd",), "optimizer.kind": ("sgd",)}
    assert draw(both, None, seed=0)[0].name == "attack.kind=pgd_optimizer.kind=sgd"


def test_a_value_that_no_recipe_can_hold_is_refused():
    points = draw({"optimizer.lr": ("1e-4", "-1")}, None, seed=0)
    with pytest.raises(SettingsError, match=r"optimizer\.lr = -1"):
        parse_points(points, "tecoa-quick", [])
    unknown = draw({"optimizer.lrr": ("1",)}, None, seed=0)
    with pytest.raises(SettingsError, match=r"unknown key 'optimizer\.lrr'.*'lr'"):
        parse_points(unknown, "tecoa-quick", [])


def test_text_that_yaml_reads_as_no_number_is_one_in_the_recipe():
    (parsed,) = parse_points(draw({"optimizer.lr": ("1e-4",)}, None, seed=0), recipe(), [])
    assert parsed.optimizer.lr == 1e-4


def test_two_points_that_are_one_training_are_refused():
    points = draw({"optimizer.lr": ("1e-4", "0.0001")}, None, seed=0)
    with pytest.raises(SettingsError, match="are the same training"):
        parse_points(points, "tecoa-quick", [])
