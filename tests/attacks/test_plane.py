"""The way to a plane inside the box, against a general solver and by hand."""

import numpy as np
import pytest
import torch
from scipy.optimize import linprog, minimize
from tests.attacks.victims import draws

from zsrobust.attacks.plane import way_to_plane

K, D = 24, 8
POINTS = torch.rand(K, D, generator=draws(0))
NORMALS = torch.randn(K, D, generator=draws(1))
POINTS[:8] = POINTS[:8].round()
NORMALS[4:12, ::3] = 0
REACH = torch.where(NORMALS > 0, POINTS, 1 - POINTS)
MOST = (NORMALS.abs() * REACH).sum(1)
"""The greatest height that the box lets each point come down."""
HEIGHTS = MOST * torch.linspace(0.02, 0.97, K)


def shortest_linf(point, normal, height):
    """min t, |change| <= t, normal . change = -height, inside the box: a linear programme."""
    d = len(point)
    cost = np.r_[np.zeros(d), 1.0]
    within = np.block([[np.eye(d), -np.ones((d, 1))], [-np.eye(d), -np.ones((d, 1))]])
    bounds = [*zip(-point, 1 - point, strict=True), (0, None)]
    solved = linprog(
        cost,
        A_ub=within,
        b_ub=np.zeros(2 * d),
        A_eq=np.r_[normal, 0.0][None],
        b_eq=[-height],
        bounds=bounds,
    )
    assert solved.success
    return solved.fun


def shortest_l2(point, normal, height):
    solved = minimize(
        lambda change: change @ change,
        np.zeros(len(point)),
        jac=lambda change: 2 * change,
        bounds=list(zip(-point, 1 - point, strict=True)),
        constraints={"type": "eq", "fun": lambda c: normal @ c + height, "jac": lambda c: normal},
        method="SLSQP",
        options={"ftol": 1e-12, "maxiter": 500},
    )
    assert solved.success
    return np.linalg.norm(solved.x)


@pytest.mark.parametrize(("norm", "solve"), [("linf", shortest_linf), ("l2", shortest_l2)])
@pytest.mark.parametrize("sign", [1, -1])
def test_it_is_the_shortest_there_is(norm, solve, sign):
    heights = sign * HEIGHTS
    normals = sign * NORMALS
    ways = way_to_plane(POINTS, normals, heights, norm)
    assert torch.allclose((normals * ways).sum(1), -heights, atol=1e-5)
    assert float((POINTS + ways).min()) >= -1e-6
    assert float((POINTS + ways).max()) <= 1 + 1e-6
    lengths = ways.abs().amax(1) if norm == "linf" else ways.norm(dim=1)
    expected = [
        solve(*(each.double().numpy() for each in row))
        for row in zip(POINTS, normals, heights, strict=True)
    ]
    assert lengths.tolist() == pytest.approx(expected, rel=1e-3, abs=1e-5)
    assert bool((ways[NORMALS == 0] == 0).all())


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_without_the_box_in_the_way_it_is_the_textbooks(norm):
    middle, normal = torch.full((1, 3), 0.5), torch.tensor([[3.0, -1.0, 2.0]])
    way = way_to_plane(middle, normal, torch.tensor([0.6]), norm)
    if norm == "linf":
        assert torch.allclose(way, -0.1 * normal.sign(), atol=1e-6)
    else:
        assert torch.allclose(way, -0.6 / 14 * normal, atol=1e-6)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_plane_that_misses_the_box_leads_to_the_nearest_corner(norm):
    ways = way_to_plane(POINTS, NORMALS, 1.5 * MOST, norm)
    corner = torch.where(NORMALS > 0, 0.0, 1.0)
    moved = NORMALS != 0
    assert torch.allclose((POINTS + ways)[moved], corner[moved], atol=1e-6)
    assert bool((ways[~moved] == 0).all())


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_no_height_or_no_normal_moves_nothing(norm):
    assert not way_to_plane(POINTS, NORMALS, torch.zeros(K), norm).any()
    assert not way_to_plane(POINTS, torch.zeros(K, D), torch.ones(K), norm).any()


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_a_row_comes_out_the_same_bit_for_bit_whatever_its_company(norm):
    whole = way_to_plane(POINTS, NORMALS, HEIGHTS, norm)
    for i in range(K):
        row = slice(i, i + 1)
        alone = way_to_plane(POINTS[row], NORMALS[row], HEIGHTS[row], norm)
        assert torch.equal(alone[0], whole[i])
    order = torch.randperm(K, generator=draws(2))
    moved = way_to_plane(POINTS[order], NORMALS[order], HEIGHTS[order], norm)
    assert torch.equal(moved, whole[order])


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_many_dimensions_and_tiny_gradients_are_no_trouble(norm):
    """As of a 64 px image whose gradient is as small as those of confident models are."""
    points = torch.rand(3, 3 * 64 * 64, generator=draws(3))
    normals = torch.randn(3, 3 * 64 * 64, generator=draws(4)) * 1e-4
    heights = torch.tensor([0.01, 0.1, 0.3])
    ways = way_to_plane(points, normals, heights, norm)
    assert (normals * ways).sum(1).tolist() == pytest.approx((-heights).tolist(), rel=1e-3)
