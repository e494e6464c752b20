import pytest
from tests.training.small_training import recipe

from zsrobust.errors import SettingsError, UnknownNameError
from zsrobust.settings import read_yaml
from zsrobust.training.recipe import RECIPES, Recipe, load_recipe, recipe_names


def _refusal(*overrides: str, name: str = "tga-zsr") -> str:
    with pytest.raises(SettingsError) as refused:
        load_recipe(name, overrides)
    return str(refused.value)


def test_every_recipe_that_ships_is_valid_and_says_how_to_use_it():
    names = recipe_names()
    assert {"tecoa", "tga-zsr", "tecoa-mini", "tga-zsr-mini"} <= set(names)
    for name in names:
        assert load_recipe(name).source
        first = (RECIPES / f"{name}.yaml").read_text().splitlines()[0]
        assert first.startswith(f"# zsrobust train {name} ")


def test_published_recipes_hold_the_published_settings():
    tecoa, tga = load_recipe("tecoa"), load_recipe("tga-zsr")
    assert (tecoa.optimizer.lr, tga.optimizer.lr) == (1e-5, 1e-4)
    assert tga.objective.settings["alpha"] == 0.08
    assert tga.objective.settings["beta"] == 0.05
    for published in (tecoa, tga):
        assert published.attack.threat.eps == 1 / 255
        assert (published.attack.steps, published.attack.step_size) == (2, "1/255")
        assert published.optimizer.kind == "sgd"
        assert (published.optimizer.momentum, published.optimizer.weight_decay) == (0.9, 0)
        assert (published.batch_size, published.epochs, published.warmup_steps) == (128, 10, 1000)
        assert published.templates == ["This is a photo of a {}"]
        assert published.resolution == "as-released"


def test_a_bare_eps_4_is_refused_with_its_likely_meaning():
    said = _refusal("attack.eps=4")
    assert "attack.eps: 4 exceeds 1" in said
    assert 'Did you mean "4/255"?' in said


def test_an_unknown_objective_brings_the_nearest():
    assert "Unknown objective 'tecao'. Did you mean 'tecoa'?" in _refusal("objective.kind=tecao")


def test_an_unknown_key_brings_the_nearest():
    assert "unknown key 'batchsize'. Did you mean 'batch_size'?" in _refusal("batchsize=4")


def test_an_unknown_setting_of_the_objective_brings_the_nearest():
    assert "unknown key 'alhpa'. Did you mean 'alpha'?" in _refusal("objective.settings.alhpa=1")


def test_all_faults_are_said_at_once_with_the_file_name():
    said = _refusal(
        "objective.kind=tecao",
        "attack.eps=4",
        "attack.step_size=ep",
        "optimizer.lr=-1",
        "steps=5",
        "templates=[a photo]",
        "attak=1",
    )
    for key in (
        "objective.kind",
        "attack.eps",
        "attack.step_size",
        "optimizer.lr",
        "steps",
        "templates",
        "'attak'",
    ):
        assert any(line.startswith("tga-zsr.yaml: ") and key in line for line in said.splitlines())


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("steps=5", "epochs = 10 and steps = 5: set one of them to null."),
        ("epochs=null", "give the length, as epochs or as steps."),
    ],
)
def test_the_length_is_exactly_one_of_epochs_and_steps(override, said):
    assert said in _refusal(override)


def test_an_override_changes_the_recipe_and_its_hash():
    plain, changed = load_recipe("tecoa-mini"), load_recipe("tecoa-mini", ["optimizer.lr=1e-3"])
    assert changed.optimizer.lr == 1e-3
    assert changed.hash != plain.hash


def test_the_hash_forgets_what_changes_no_weight():
    plain = load_recipe("tecoa-mini")
    assert load_recipe("tecoa-mini", ["checkpoint_every=3", "source=mine"]).hash == plain.hash


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("tecoa", "a3ebbd3345890165"), ("tga-zsr", "0b55f00e587d2912"),
        ("tecoa-mini", "50693dd6b60d5ac3"), ("tga-zsr-mini", "70197d5989f09ad5"),
        ("tecoa-quick", "fee7b5a76a569dab"), ("tga-zsr-quick", "a43a8172c6751842"),
    ],
)  # fmt: skip
def test_settings_that_came_later_leave_the_hashes_of_the_first_recipes(name, known):
    assert load_recipe(name).hash == known


def test_defaults_of_the_objective_are_filled_in():
    implicit = recipe("tga-zsr")
    settings = {"alpha": 0.08, "beta": 0.05, "distance": "l2", "attention": "text-guided"}
    assert settings.items() <= implicit.objective.settings.items()
    assert implicit.hash == recipe(objective={"kind": "tga-zsr", "settings": settings}).hash


def test_a_recipe_object_or_a_users_file_serves_as_well_as_a_name(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text((RECIPES / "tga-zsr.yaml").read_text())
    known = load_recipe("tga-zsr")
    assert load_recipe(file) == load_recipe(known) == known
    assert load_recipe(known, ["batch_size=4"]).batch_size == 4


def test_an_unknown_recipe_brings_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'tecoa-mini'"):
        load_recipe("tecoa-mni")


def test_adamw_and_l2_are_understood():
    chosen = load_recipe(
        "tecoa", ["optimizer.kind=adamw", "optimizer.betas=[0.9, 0.95]", "attack.norm=l2",
                  "attack.eps=2", "attack.step_size=eps"]
    )  # fmt: skip
    assert chosen.optimizer.betas == (0.9, 0.95)
    assert chosen.attack.threat.eps == 2.0


def test_recipes_are_the_files_of_the_folder():
    assert len(recipe_names()) == len(list(RECIPES.glob("*.yaml"))) > 0
    assert isinstance(load_recipe(recipe_names()[0]), Recipe)
    assert read_yaml(RECIPES / "tecoa.yaml")["objective"] == {"kind": "tecoa"}
