import pytest
import torch
from tests.objectives.drifted import drifted

from zsrobust.attacks.pgd import pgd
from zsrobust.objectives.passes import counting_passes
from zsrobust.threat_model import ThreatModel

FLOORS = [
    ("pmg-aft", {}, 11, 11),
    ("pmg-aft", {"clean_target": "detached"}, 9, 9),
    ("fare", {}, 8, 7),
    ("lore", {}, 36, 35),
    ("agft", {}, 8, 7),
    ("ucat", {}, 8, 7),
    ("caw", {}, 9, 8),
    ("sim-clip", {}, 11, 11),
    ("sim-clip-as-released", {}, 8, 7),
]


def step(setting):
    """The forwards' worth of a step with PGD-2, for each image."""
    objective, student, batch = setting.objective, setting.student, setting.batch
    eps = 4 / 255
    with counting_passes() as passes:
        adversarial = pgd(
            objective.inner_loss(student, batch),
            batch.pixels,
            ThreatModel("linf", eps),
            steps=2,
            step_size=eps,
            start=setting.adversarial,
        )
        for _ in range(objective.updates_per_batch):
            student.zero_grad()
            objective.outer_loss(student, batch, adversarial).total.backward()
        if objective.dual:
            objective.dual.loss(student, batch).backward()
    return passes.cost / len(batch.ids)


@pytest.mark.parametrize(("kind", "settings", "first", "later"), FLOORS)
def test_a_step_costs_the_floor_and_less_once_the_frozen_model_has_seen_the_images(
    kind, settings, first, later
):
    setting = drifted(kind, settings, count=2)
    assert step(setting) == first
    assert step(setting) == later
    assert all(
        torch.isfinite(p.grad).all() for p in setting.student.parameters() if p.grad is not None
    )
