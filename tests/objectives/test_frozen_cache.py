import pytest
import torch

from zsrobust.errors import RunError
from zsrobust.objectives.catalogue import build_objective
from zsrobust.objectives.frozen_cache import FrozenKey, fill_memory, read_frozen
from zsrobust.objectives.objective import Batch
from zsrobust.objectives.passes import counting_passes
from zsrobust.testing.tiny_clip import random_images, tiny_classifier


def batches(classifier, count=8, size=4):
    pixels, labels = random_images(count, classifier)
    for at in range(0, count, size):
        ids = [f"i{i}" for i in range(at, at + size)]
        yield Batch(pixels[at : at + size], labels[at : at + size], ids)


def key_of(classifier, objective, **other):
    said = {"model": classifier.model.fingerprint, "dataset": "d", "resolution": "tower"}
    return FrozenKey(**{**said, "computed": objective.remembered, **other})


@pytest.mark.parametrize(
    ("kind", "settings"), [("tga-zsr", {}), ("tga-zsr", {"target": "wrong-text"}), ("comp-tga", {})]
)
def test_a_second_training_finds_the_same_bits_and_spends_no_forward(kind, settings, tmp_path):
    classifier = tiny_classifier()
    first, second = (build_objective(kind, settings, classifier) for _ in range(2))
    whole = list(batches(classifier))
    assert not fill_memory(first, whole, tmp_path, key_of(classifier, first))
    with counting_passes() as passes:
        assert fill_memory(second, whole, tmp_path, key_of(classifier, second))
        second.remember(whole[1])
    assert passes.forwards == 0 and len(second.memory) == 8
    assert all(torch.equal(first.memory[name], value) for name, value in second.memory.items())
    assert first.memory.keys() == second.memory.keys()


def test_what_is_cached_is_what_a_training_would_compute():
    classifier = tiny_classifier()
    cached, plain = (build_objective("tga-zsr", {}, classifier) for _ in range(2))
    batch = next(batches(classifier))
    cached.remember(batch)
    moved = (batch.pixels + 0.05).clamp(0, 1)
    both = [each.outer_loss(classifier, batch, moved).total for each in (cached, plain)]
    assert both[0].item() == pytest.approx(both[1].item(), rel=1e-6)


@pytest.mark.parametrize("changed", ["model", "dataset", "resolution", "computed"])
def test_another_model_dataset_size_or_question_is_another_file(changed, tmp_path):
    classifier = tiny_classifier()
    objective = build_objective("tga-zsr", {}, classifier)
    key = key_of(classifier, objective)
    assert key.path(tmp_path) != key_of(classifier, objective, **{changed: "x"}).path(tmp_path)


def test_what_is_asked_names_map_texts_and_prompts():
    plain, other = tiny_classifier(), tiny_classifier(["red", "green"])
    asked = [
        build_objective(kind, settings, classifier).remembered
        for kind, settings, classifier in [
            ("tga-zsr", {}, plain),
            ("tga-zsr", {}, other),
            ("tga-zsr", {"attention": "cosine"}, plain),
            ("tga-zsr", {"target": "wrong-text"}, plain),
            ("comp-tga", {}, plain),
            ("comp-tga", {"negated_templates": ["no {}"]}, plain),
        ]
    ]
    assert len(set(asked)) == len(asked)
    same = build_objective("tga-zsr", {"alpha": 1, "distance": "l1"}, plain).remembered
    assert same == asked[0], "weights and distances need no other maps"


def test_an_objective_that_keeps_nothing_writes_nothing(tmp_path):
    classifier = tiny_classifier()
    objective = build_objective("patch-anchor", {}, classifier)
    key = FrozenKey(model="m", dataset="d", resolution="tower", computed="")
    assert not fill_memory(objective, batches(classifier), tmp_path, key)
    assert list(tmp_path.iterdir()) == []


def test_a_kill_while_filling_leaves_no_file(tmp_path):
    classifier = tiny_classifier()
    objective = build_objective("tga-zsr", {}, classifier)

    def killed():
        yield next(batches(classifier))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill_memory(objective, killed(), tmp_path, key_of(classifier, objective))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b"", lambda b: b"\xff" * 64])
def test_a_damaged_file_is_named_and_not_trusted(damage, tmp_path):
    classifier = tiny_classifier()
    objective = build_objective("tga-zsr", {}, classifier)
    key = key_of(classifier, objective)
    fill_memory(objective, batches(classifier), tmp_path, key)
    path = key.path(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(RunError, match=f"{path.name}: damaged .* Delete it"):
        read_frozen(path)
