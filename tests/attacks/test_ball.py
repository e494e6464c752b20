import pytest
import torch

from zsrobust.attacks.ball import ascend, distance, project, random_start
from zsrobust.threat_model import ThreatModel

CLEAN = torch.rand(6, 3, 5, 5, generator=torch.Generator().manual_seed(0))
THREATS = [ThreatModel("linf", 8 / 255), ThreatModel("l2", 0.7)]


@pytest.mark.parametrize("threat", THREATS, ids=lambda t: t.norm)
def test_projection_keeps_ball_and_box_and_what_is_inside(threat):
    far = project(CLEAN + torch.randn_like(CLEAN), CLEAN, threat)
    assert float(distance(far, CLEAN, threat).max()) <= threat.eps + 1e-6
    assert far.min() >= 0 and far.max() <= 1
    assert torch.allclose(project(far, CLEAN, threat), far, atol=1e-6)


@pytest.mark.parametrize("threat", THREATS, ids=lambda t: t.norm)
def test_a_random_start_fills_the_ball_and_is_keyed_by_id(threat):
    middle = torch.full((200, 3, 4, 4), 0.5)
    ids = [str(i) for i in range(200)]
    start = random_start(middle, ids, threat, 0, "pgd", 0)
    away = distance(start, middle, threat)
    assert float(away.max()) <= threat.eps + 1e-6
    assert float(away.max()) > 0.95 * threat.eps
    alone = random_start(middle[:1], ids[7:8], threat, 0, "pgd", 0)
    assert torch.equal(alone[0], start[7])


def test_a_zero_gradient_moves_nothing():
    for threat in THREATS:
        assert torch.equal(ascend(CLEAN, torch.zeros_like(CLEAN), CLEAN, threat, 0.1), CLEAN)


def test_a_step_is_a_sign_for_linf_and_a_direction_for_l2():
    middle, gradient = torch.full((1, 3, 2, 2), 0.5), torch.ones(1, 3, 2, 2) * 7
    linf = ascend(middle, gradient, middle, ThreatModel("linf", 0.1), 0.05)
    assert torch.allclose(linf - middle, torch.full_like(middle, 0.05))
    l2 = ascend(middle, gradient, middle, ThreatModel("l2", 1.0), 0.5)
    assert float((l2 - middle).norm()) == pytest.approx(0.5, abs=1e-6)
