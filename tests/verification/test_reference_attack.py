import ast
import math
from pathlib import Path

import pytest
import torch
from scipy.optimize import linprog, minimize

import zsrobust.evaluation as room
from zsrobust.attacks.apgd import APGD
from zsrobust.attacks.fab import FAB
from zsrobust.attacks.measuring import measuring
from zsrobust.attacks.pgd import PGD
from zsrobust.attacks.run_attack import run_attack
from zsrobust.attacks.search import Attack
from zsrobust.attacks.square import Square
from zsrobust.errors import RunError
from zsrobust.testing.tiny_clip import random_images, tiny_classifier
from zsrobust.threat_model import ThreatModel
from zsrobust.verification.reference_attack import apgd_checkpoints, nearest_on_plane
from zsrobust.verification.reference_check import reference_cascade
from zsrobust.verification.reference_victim import meet

COUNT = 5
IDS = [f"image-{i}" for i in range(COUNT)]
EPS = {"linf": 1 / 255, "l2": 0.1}
ATTACKS = [
    PGD("pgd", steps=6),
    PGD("pgd", loss="margin", steps=3, restarts=2, step_size="eps"),
    APGD("apgd", steps=12),
    APGD("apgd", loss="dlr", steps=8),
    APGD("apgd", loss="targeted-dlr", steps=5, restarts=2, targets=3),
    FAB("fab", steps=6, targets=2),
    Square("square", queries=40),
]


@pytest.fixture(scope="module")
def classifier():
    return tiny_classifier()


def both(classifier, attack, norm, eps=None, count=COUNT, size=None):
    """What the engine and the reference path find on the same images."""
    pixels, labels = random_images(count, classifier)
    if size is not None:
        pixels = torch.nn.functional.interpolate(pixels, size=size)
        labels = classifier(pixels).detach().argmax(1)
    threat = ThreatModel(norm, EPS[norm] if eps is None else eps)
    engine = run_attack(
        classifier,
        pixels,
        labels,
        attack=attack,
        eps=threat.eps,
        norm=norm,
        ids=IDS[:count],
        seed=3,
    )
    found = []
    with measuring(classifier):
        for i in range(count):
            victim, _ = meet(classifier, pixels[i], int(labels[i]), IDS[i], threat, 3)
            found.append(reference_cascade(victim, (attack,))[attack.name])
    return engine, found


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.name}-{attack.rounds(5)}")
def test_engine_and_reference_decide_alike(classifier, attack, norm):
    engine, found = both(classifier, attack, norm)
    (member,) = engine.members
    for i, each in enumerate(found):
        margin = float(member.margin[i])
        assert (engine.status[i] == "fooled") == each.fooled or abs(margin) < 1e-3
        if not each.fooled:
            assert each.margin == pytest.approx(margin, abs=0.02 if attack.name == "fab" else 1e-3)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_the_last_iterates_of_pgd_are_the_same_pixels(classifier, norm):
    attack = PGD("pgd", steps=5, iterate="last")
    eps = EPS[norm] / 4
    engine, found = both(classifier, attack, norm, eps)
    for i, each in enumerate(found):
        if each.margin > float(engine.clean_margins[i]):
            assert torch.allclose(each.pixels, engine.pixels[i], atol=1e-5)
            assert not torch.equal(each.pixels, random_images(COUNT, classifier)[0][i])


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("loss", ["dlr", "targeted-dlr"])
def test_few_classes_are_attacked_by_the_losses_that_are_defined(classes, loss):
    classifier = tiny_classifier(("cat", "dog", "bird")[:classes])
    attack = APGD("apgd", loss=loss, steps=6, targets=9 if loss == "targeted-dlr" else 0)
    engine, found = both(classifier, attack, "linf", count=3)
    assert [status == "fooled" for status in engine.status] == [each.fooled for each in found]


def test_square_in_l2_fits_its_windows_into_images_that_are_far_from_square(classifier):
    engine, found = both(classifier, Square("square", queries=20), "l2", count=2, size=(20, 60))
    assert [status == "fooled" for status in engine.status] == [each.fooled for each in found]


def test_more_radius_never_fools_less(classifier):
    small, large = (
        [each.fooled for each in both(classifier, ATTACKS[0], "linf", eps)[1]] for eps in (0, 0.1)
    )
    assert not any(small)
    assert all(large)


def test_checkpoints_of_a_hundred_steps_are_the_papers():
    assert apgd_checkpoints(100) == {22, 41, 57, 70, 80, 87, 93, 99}


def planes(count):
    generator = torch.Generator().manual_seed(1)
    for _ in range(count):
        x = torch.rand(6, generator=generator, dtype=torch.float64)
        normal = torch.randn(6, generator=generator, dtype=torch.float64)
        inside = torch.rand(6, generator=generator, dtype=torch.float64)
        yield x, normal, -float((normal * (inside - x)).sum())


def test_the_nearest_point_of_a_plane_in_linf_is_that_of_a_linear_program():
    for x, normal, height in planes(12):
        z = nearest_on_plane(x, normal, height, "linf")
        assert float((normal * (z - x)).sum() + height) == pytest.approx(0, abs=1e-9)
        assert torch.equal(z, z.clamp(0, 1))
        near = torch.cat([torch.eye(6), -torch.eye(6)]).double()
        away = torch.cat([near, -torch.ones(12, 1)], 1)
        best = linprog(
            [0] * 6 + [1],
            A_ub=away.numpy(),
            b_ub=torch.cat([x, -x]).numpy(),
            A_eq=torch.cat([normal, torch.zeros(1)])[None].numpy(),
            b_eq=[float(normal @ x) - height],
            bounds=[(0, 1)] * 6 + [(0, None)],
        )
        assert float((z - x).abs().max()) == pytest.approx(best.fun, abs=1e-7)


def test_the_nearest_point_of_a_plane_in_l2_is_that_of_a_general_solver():
    for x, normal, height in planes(8):
        z = nearest_on_plane(x, normal, height, "l2")
        plane = {"type": "eq", "fun": lambda p, n=normal, x=x, h=height: float(
            (n * (torch.as_tensor(p) - x)).sum() + h)}  # fmt: skip
        best = minimize(
            lambda p, x=x: float((torch.as_tensor(p) - x).square().sum()),
            x.numpy(), bounds=[(0, 1)] * 6, constraints=[plane], options={"ftol": 1e-12},
        )  # fmt: skip
        assert float((z - x).norm()) == pytest.approx(math.sqrt(best.fun), abs=1e-4)
        assert float((normal * (z - x)).sum() + height) == pytest.approx(0, abs=1e-9)


def test_a_plane_that_misses_the_box_leads_to_the_nearest_corner():
    x, normal = torch.tensor([0.25, 0.5, 0.75]), torch.tensor([1.0, -1.0, 0.0])
    for norm in ("linf", "l2"):
        assert nearest_on_plane(x, normal, 9.0, norm).tolist() == [0.0, 1.0, 0.75]
        assert torch.equal(nearest_on_plane(x, normal, 0.0, norm), x)
        assert torch.equal(nearest_on_plane(x, 0 * normal, 9.0, norm), x)


def test_the_reference_path_uses_no_attack_of_the_engine():
    for path in Path(room.__path__[0]).glob("reference_*.py"):
        if path.stem == "reference_check":
            continue
        imported = [
            node.module
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ImportFrom) and node.module
        ]
        assert any(name.startswith("zsrobust") for name in imported)
        assert not [name for name in imported if name.startswith("zsrobust.attacks")]


def test_an_attack_without_a_reference_is_named(classifier):
    class Wish(Attack):
        def begin(self, case, turn):
            raise AssertionError

    victim, _ = meet(classifier, torch.rand(3, 28, 28), 0, "x", ThreatModel("linf", 0.1), 0)
    with pytest.raises(RunError, match="wish: no reference attack of kind Wish"):
        reference_cascade(victim, (Wish("wish"),))
