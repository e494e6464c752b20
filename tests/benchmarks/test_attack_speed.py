import pytest
import torch

from gpu_throughput import SMALL, lines, small_classifier
from release_loop import ReleasedClassifier, released_evaluation, released_pgd
from speed_cells import CELLS, Cell, bar_of, floor
from speed_side import Counted, model_seconds
from speed_table import Row, table
from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.testing.tiny_clip import random_images, tiny_clip

NAMES = ("cat", "dog", "bird", "ship", "truck")
TEMPLATE = "a photo of a {}."


def victim():
    model = tiny_clip()
    classifier = classifier_of(model, NAMES, (TEMPLATE,))
    pixels, labels = random_images(12, classifier)
    return model, classifier, pixels, labels


def loss_of(classifier, pixels, labels):
    with torch.no_grad():
        return float(torch.nn.functional.cross_entropy(classifier(pixels), labels))


def test_the_release_loop_says_what_our_classifier_says():
    model, classifier, pixels, _ = victim()
    released = ReleasedClassifier.of(model, NAMES, TEMPLATE)
    assert torch.allclose(released(pixels), classifier(pixels), atol=1e-4)


def test_the_release_loop_climbs_inside_ball_and_box_and_makes_every_gradient():
    model, _, pixels, labels = victim()
    released = ReleasedClassifier.of(model, NAMES, TEMPLATE)
    found = released_pgd(released, pixels, labels, eps=4 / 255, step_size=1 / 255, steps=5, seed=0)
    assert loss_of(released, found, labels) > loss_of(released, pixels, labels)
    assert float((found - pixels).abs().max()) <= 4 / 255 + 1e-6
    assert float(found.min()) >= 0 and float(found.max()) <= 1
    without = [name for name, p in model.clip.named_parameters() if p.grad is None]
    assert without == []


def test_the_release_loop_judges_every_batch_by_its_last_iterate():
    model, _, pixels, labels = victim()
    labels[0] = (labels[0] + 1) % len(NAMES)
    released = ReleasedClassifier.of(model, NAMES, TEMPLATE)
    right = released_evaluation(
        released, pixels, labels, eps=0.0, step_size=0.0, steps=1, seed=0, batch_size=5
    )
    assert right.tolist() == [False] + [True] * 11


def test_the_floor_counts_a_gradient_a_step_and_a_look_at_the_end():
    assert floor("pgd-ce-100", 200) == (101, 100)
    assert floor("apgd-ce+t", 200) == (10 * 101, 10 * 100)
    assert floor("apgd-ce+t", 5) == (5 * 101, 5 * 100)
    assert floor("autoattack", 200) == (19 * 101 + 5001, 19 * 100)


def test_our_attack_stays_close_to_the_floor():
    from zsrobust.attacks.pgd import PGD
    from zsrobust.attacks.run_attack import run_attack

    _, classifier, pixels, labels = victim()
    attack = PGD("pgd-ce-100", steps=100)
    found = run_attack(classifier, pixels, labels, attack=attack, eps=1e-6)
    assert found.forwards.tolist() == [101] * 12
    assert found.backwards.tolist() == [100] * 12


def test_the_bar_of_a_defended_model_follows_its_robust_share():
    cell = next(cell for cell in CELLS if cell.kind == "released" and cell.bar == "defended")
    assert bar_of(cell, 0.5) == pytest.approx(2.8)
    assert bar_of(cell, 0.0) == 10.0
    assert len({cell.name for cell in CELLS}) == len(CELLS)


def test_the_table_names_every_bar_that_is_missed():
    cell = Cell("packaged", "v", "linf", "apgd-ce+t", "defended", 10, 1, "1/255")
    spent = {"rows": 5, "model_seconds": 1.0}
    ours = spent | {
        "seconds": [3.0, 2.0, 9.0],
        "robust": 0.5,
        "peak_mib": 50.0,
        "forwards": 1010.0,
        "backwards": 1000.0,
        "floor": [1010, 1000],
    }
    theirs = spent | {"seconds": [6.0], "robust": 0.5, "peak_mib": 49.0}
    good = Row(cell, ours, theirs)
    assert good.faster == 2.0 and good.missed == []
    assert "| **2.00x** | 1.00x |" in table([good])
    bad = Row(cell, ours | {"robust": 0.6, "peak_mib": 99.0}, theirs | {"seconds": [1.0]})
    assert bad.missed == ["strength", "speed", "memory"]


def test_the_model_alone_is_timed_for_the_very_calls_that_were_made():
    _, classifier, pixels, _ = victim()
    counted = Counted(classifier)
    with torch.no_grad():
        counted(pixels[:3])
    counted(pixels)
    assert dict(counted.calls) == {(3, False): 1, (12, True): 1}
    assert model_seconds(classifier, pixels, counted.calls) > 0


def test_the_table_for_graphics_cards_runs_on_a_cpu():
    rows = list(lines(small_classifier(), SMALL, compiled=(False,)))
    assert [row.split("|")[1].strip() for row in rows[2:]] == ["fp32", "bf16"]
