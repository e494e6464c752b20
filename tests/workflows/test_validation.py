"""The best state is chosen on training images held out, under an honest attack."""

import json
from dataclasses import replace

import pytest
from tests.training.small_training import colours, recipe, run, weights

from zsrobust.errors import InputError, SettingsError
from zsrobust.records.header import read_header
from zsrobust.testing.tiny_clip import tiny_clip
from zsrobust.training.recipe import load_recipe
from zsrobust.training.subset import held_out
from zsrobust.training.validation import Measured
from zsrobust.workflows.finetune import finetune

VALIDATION = {"images": 6, "every": 2, "attack": "apgd-ce", "eps": "8/255"}


def validations(out) -> list[dict]:
    return [json.loads(text) for text in (out / "validation.jsonl").read_text().splitlines()]


def train(out, **changes):
    chosen = recipe(steps=5, validation=VALIDATION, **changes)
    return finetune(chosen, tiny_clip(), colours(), out, device="cpu")


def test_trap_the_state_is_chosen_on_training_images_held_out_and_never_on_a_test_set(tmp_path):
    train(tmp_path / "run")
    header = read_header(tmp_path / "run")
    rest, _ = held_out(colours(), 6, seed=0)
    assert header.dataset.n == 14
    assert header.dataset.hash == rest.variant_hash()
    lines = validations(tmp_path / "run")
    assert [line["step"] for line in lines] == [2, 4, 5]
    for line in lines:
        assert line["validation"]["n"] == line["training"]["n"] == 6
        assert line["validation"]["robust"] <= line["validation"]["clean"]
        mean = (line["validation"]["clean"] + line["validation"]["robust"]) / 2
        assert line["score"] == pytest.approx(mean)


def test_the_best_state_is_kept_and_the_card_says_which(tmp_path):
    scores = {2: 0.4, 4: 0.8, 5: 0.8}
    kept = {}

    def validate(classifier):
        step = list(scores)[len(kept)]
        kept[step] = weights(classifier.model)
        found = Measured(scores[step], scores[step], 6)
        return {"validation": found, "training": found}

    chosen = recipe(steps=5, validation=VALIDATION)
    there = run(tmp_path / "run", chosen, validate=validate)
    assert weights(there) == kept[4] != kept[5]
    assert there.card.steps == 4
    assert "after 4 of 5 steps" in there.card.notes[-1]


def test_validation_alone_changes_no_step(tmp_path):
    rest, _ = held_out(colours(), 6, seed=0)
    train(tmp_path / "with")
    run(tmp_path / "without", recipe(steps=5), dataset=rest)
    logs = [
        [json.loads(line)["terms"] for line in (tmp_path / name / "log.jsonl").open()]
        for name in ("with", "without")
    ]
    assert logs[0] == logs[1]


def test_classes_then_held_out_then_samples(tmp_path):
    train(tmp_path / "run", classes=2, samples_per_class=3)
    header = read_header(tmp_path / "run")
    assert len(header.dataset.class_names) == 2
    assert header.dataset.n == 6
    assert validations(tmp_path / "run")[0]["validation"]["n"] == 6


def test_a_limit_leaves_the_images_held_out_as_they_are(tmp_path):
    chosen = recipe(steps=2, validation=VALIDATION)
    finetune(chosen, tiny_clip(), colours(), tmp_path / "run", limit=4, device="cpu")
    assert read_header(tmp_path / "run").dataset.n == 4
    (line,) = validations(tmp_path / "run")
    assert (line["validation"]["n"], line["training"]["n"]) == (6, 4)


def test_too_few_images_and_a_missing_radius_are_said(tmp_path):
    with pytest.raises(InputError, match=r"validation.images = 6: colours has 5"):
        finetune(recipe(validation=VALIDATION), tiny_clip(), colours(5), tmp_path / "run")
    with pytest.raises(SettingsError, match="validation: eps is missing"):
        recipe(attack="none", validation={"images": 3, "every": 1})
    with pytest.raises(SettingsError, match="validation: 4 exceeds 1"):
        recipe(validation={**VALIDATION, "eps": "4"})
    with pytest.raises(InputError, match=r"fine-tune by zsrobust\.finetune"):
        run(tmp_path / "run", recipe(validation=VALIDATION))
    unlabelled = replace(colours(), labels=None)
    with pytest.raises(InputError, match="has no labels"):
        finetune(recipe(), tiny_clip(), unlabelled, tmp_path / "run", device="cpu")


def test_a_validation_is_part_of_the_hash_and_its_absence_of_none():
    plain = load_recipe("tecoa-mini")
    validated = load_recipe("tecoa-mini", ["validation.images=10", "validation.every=50"])
    assert "validation" not in plain.content
    assert validated.hash != plain.hash
