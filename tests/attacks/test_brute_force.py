"""A network with one hidden layer and inputs of three numbers: every point of the ball is tried."""

from dataclasses import replace

import pytest
import torch
from tests.attacks.victims import draws, fooled

from zsrobust.attacks.catalogue import ATTACKS
from zsrobust.attacks.run_attack import run_attack
from zsrobust.attacks.square import Square

POINTS = 31
"""Of the grid, along each side of the ball."""
PIXELS = torch.rand(48, 3, 1, 1, generator=draws(0))
CASCADES = {
    "apgd-ce+t": ATTACKS["apgd-ce+t"],
    "autoattack": tuple(
        replace(m, queries=200) if isinstance(m, Square) else m for m in ATTACKS["autoattack"]
    ),
}
FIRST = torch.randn(16, 3, generator=draws(1)) * 3
BIAS = torch.randn(16, generator=draws(2))
SECOND = torch.randn(4, 16, generator=draws(3))


def network(pixels):
    hidden = ((pixels.flatten(1) - 0.5)[:, None] * FIRST).sum(2) + BIAS
    middle = (BIAS.relu() * SECOND).sum(1)
    return (hidden.relu()[:, None] * SECOND).sum(2) - middle


def tried_everywhere(labels, norm, eps):
    """Whether any grid point of ball and box fools, and whether surely no point at all does.

    Between the grid's points a lead can rise by its Lipschitz constant times half a step.
    """
    steps = torch.linspace(-eps, eps, POINTS)
    grid = torch.cartesian_prod(steps, steps, steps)
    spacing = float(steps[1] - steps[0])
    fools, cannot = [], []
    for pixels, label in zip(PIXELS, labels.tolist(), strict=True):
        inside = grid if norm == "linf" else grid[grid.norm(dim=1) <= eps]
        points = (pixels.flatten() + inside).clamp(0, 1)
        near = grid if norm == "linf" else grid[grid.norm(dim=1) <= eps + spacing]
        around = (pixels.flatten() + near).clamp(0, 1)
        steepest = (SECOND - SECOND[label]).abs() @ FIRST.abs().sum(1)
        fools.append(bool((leads(points, label) > 0).any()))
        highest = leads(around, label) + steepest * spacing / 2
        cannot.append(bool((highest[:, others(label)] < 0).all()))
    return torch.tensor(fools), torch.tensor(cannot)


def leads(points, label):
    logits = network(points.view(-1, 3, 1, 1))
    return logits - logits[:, label : label + 1]


def others(label):
    return [other for other in range(4) if other != label]


@pytest.mark.parametrize(("norm", "eps"), [("linf", 0.05), ("linf", 0.1), ("l2", 0.1)])
@pytest.mark.parametrize("name", CASCADES)
def test_what_a_grid_finds_is_found_and_what_no_point_does_is_not_claimed(name, norm, eps):
    labels = network(PIXELS).argmax(1)
    fools, cannot = tried_everywhere(labels, norm, eps)
    assert int(fools.sum()) >= 5 and int(cannot.sum()) >= 5
    assert not bool((fools & cannot).any())
    result = run_attack(network, PIXELS, labels, attack=CASCADES[name], eps=eps, norm=norm)
    found = fooled(result)
    assert bool(found[fools].all())
    assert not bool(found[cannot].any())
    undecided = int((~fools & ~cannot).sum())
    assert undecided <= 0.15 * len(PIXELS)
