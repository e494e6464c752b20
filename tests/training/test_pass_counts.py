"""What the log says a step costs, for every trainable part, against the least that it needs."""

import json
from importlib.util import find_spec

import pytest
from tests.training.small_training import recipe, run

from zsrobust.objectives.passes import counting_passes, note_partial_backward
from zsrobust.testing.tiny_clip import random_images, tiny_classifier
from zsrobust.training.trainable.settings import KINDS

ATTACK = (2, 2)
"""Forwards of PGD-2, and backwards to the pixels: 4F."""
needs_peft = pytest.mark.skipif(find_spec("peft") is None, reason="peft is not installed")
PARTS = {
    "tower": (0, 1, 0),
    "last-tensors": (0, 0, 1),
    "last-blocks": (0, 0, 1),
    "linear-probe": (0, 0, 1),
    "visual-prompt": (1, 0, 0),
    "prompt-tokens": (0, 0, 1),
    "tokens+padding": (1, 0, 0),
    "lora": (0, 0, 1),
}
"""Backwards of the update: to the pixels alone, to all weights, ending inside the tower."""
SETTINGS = {
    "last-tensors": {"n": 2},
    "last-blocks": {"n": 1},
    "visual-prompt": {"size": 4},
    "tokens+padding": {"size": 4},
    "lora": {"targets": ["c_fc"]},
}


def counted(out, kind, settings=None, **changes):
    """(forwards, input, full, partial) of an image in each of two steps over the same images."""
    objective = {"kind": kind, "settings": settings or {}}
    run(out, recipe(objective=objective, steps=2, batch_size=20, **changes))
    lines = [json.loads(line)["passes"] for line in (out / "log.jsonl").read_text().splitlines()]
    return [tuple(line.values()) for line in lines]


def part(kind):
    return pytest.param(kind, marks=needs_peft if kind == "lora" else ())


@pytest.mark.parametrize("kind", [part(kind) for kind in KINDS])
def test_tecoa_costs_4_f_for_the_attack_a_forward_and_one_backward_of_what_is_trained(
    tmp_path, kind
):
    trainable = {kind: SETTINGS.get(kind, {})}
    first, later = counted(tmp_path / "run", "tecoa", trainable=trainable)
    assert first == later == (ATTACK[0] + 1, ATTACK[1] + PARTS[kind][0], *PARTS[kind][1:])


@pytest.mark.parametrize(
    ("kind", "forwards", "backwards"),
    [
        ("tga-zsr", 2, 2),
        ("comp-tga", 2, 2),
        ("pmg-aft", 3, 2),
        ("fare", 1, 1),
        ("agft", 1, 1),
        ("caw", 2, 1),
    ],
)
@pytest.mark.parametrize("trained", ["last-tensors", "linear-probe"])
def test_a_backward_that_ends_inside_the_tower_is_counted_for_every_image_that_it_serves(
    tmp_path, kind, trained, forwards, backwards
):
    trainable = {trained: SETTINGS.get(trained, {})}
    _, later = counted(tmp_path / "run", kind, trainable=trainable)
    assert later == (ATTACK[0] + forwards, ATTACK[1], 0, backwards)


def test_the_vision_variants_three_grad_cams_end_inside_the_tower(tmp_path):
    """4F, 3F, and a forward each of the clean image and the frozen model."""
    first, later = counted(tmp_path / "run", "tga-zsr", {"target": "vision-detached"})
    assert first == later == (5, 2, 1, 3)


def test_an_attack_and_a_frozen_model_are_never_taken_for_a_partial_backward():
    classifier = tiny_classifier()
    classifier.requires_grad_(False)
    pixels, _ = random_images(3, classifier)
    with counting_passes(classifier.visual) as passes:
        classifier(pixels.requires_grad_()).sum().backward()
        classifier(pixels.detach())
    assert passes.per_image(3) == {
        "forwards": 2, "input_backwards": 1, "full_backwards": 0, "partial_backwards": 0,
    }  # fmt: skip


def test_a_told_backward_is_heard_inside_alone_and_by_every_counter():
    note_partial_backward(5)
    with counting_passes() as outer:
        with counting_passes() as inner:
            note_partial_backward(2)
        note_partial_backward(1)
    assert (outer.partial_backwards, inner.partial_backwards) == (3, 2)
