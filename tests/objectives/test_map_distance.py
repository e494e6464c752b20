"""What TGA-ZSR's distances are worth beside one another, and how upsampling lowers a peak."""

import pytest
import torch

from zsrobust.objectives.map_distance import DENSE_DISTANCES, DISTANCES, stretched
from zsrobust.objectives.upsampling import upsample


def maps(noise: float, count: int = 64):
    """Random maps stretched to [0, 1], and the same with noise."""
    generator = torch.Generator().manual_seed(0)
    first = torch.randn(count, 7, 7, generator=generator)
    other = first + noise * torch.randn(count, 7, 7, generator=generator)
    return stretched(first), stretched(other)


@pytest.mark.parametrize("noise", [0.1, 0.5, 2.0])
def test_trap_one_alpha_weighs_the_three_distances_hundreds_of_times_apart(noise):
    """Tables 18 and 19 of the paper compare them at one alpha: that compares scales."""
    a, b = maps(noise)
    l2, l1, cos = (DISTANCES[name](a, b).mean().item() for name in ("l2", "l1", "cos"))
    assert 255 < l2 / l1 < 290
    assert 500 < l2 / cos < 20_000


def test_trap_l2_is_224_root_mean_squares_and_pulls_the_same_however_near_the_maps_are():
    a, b = maps(0.5)
    near = a + (b - a) / 100
    lengths = []
    for other in (b, near):
        other = other.detach().requires_grad_()
        apart = DISTANCES["l2"](a, other)
        rms = upsample(a - other.detach()).square().mean((-2, -1)).sqrt()
        assert torch.allclose(apart, 224 * rms, rtol=1e-4)
        (gradient,) = torch.autograd.grad(apart.sum(), other)
        lengths.append(gradient.flatten(1).norm(dim=1))
    assert torch.allclose(*lengths, rtol=1e-2)


@pytest.mark.parametrize(
    ("row", "column", "peak"), [(3, 3, 0.969), (0, 3, 0.984), (0, 0, 1.0), (6, 6, 1.0)]
)
def test_trap_stretched_before_resizing_an_isolated_peak_is_lowered(row, column, peak):
    single = torch.zeros(1, 7, 7)
    single[0, row, column] = 1
    assert upsample(single).max().item() == pytest.approx(peak, abs=1e-3)


@pytest.mark.parametrize("name", ["l2", "l1", "cos"])
def test_trap_a_map_that_is_not_a_number_is_not_taken_for_no_distance(name):
    broken = torch.full((1, 7, 7), torch.nan)
    for known in (DISTANCES, DENSE_DISTANCES):
        assert known[name](broken, torch.rand(1, 7, 7)).isnan().all()
