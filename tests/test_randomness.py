import pytest
import torch

from zsrobust.randomness import hash_order, key_seed, normal_noise, uniform_noise


def test_noise_of_a_sample_depends_on_its_id_and_key_alone():
    together = uniform_noise(["a", "b", "c"], (3, 4, 4), 0, "pgd")
    alone = uniform_noise(["c"], (3, 4, 4), 0, "pgd")
    assert torch.equal(together[2], alone[0])
    assert not torch.equal(together[0], together[1])
    assert not torch.equal(alone, uniform_noise(["c"], (3, 4, 4), 1, "pgd"))


def test_noise_is_uniform_in_minus_one_to_one_or_standard_normal():
    uniform = uniform_noise(["x"], (100, 100), 0)
    normal = normal_noise(["x"], (100, 100), 0)
    assert -1 <= uniform.min() < -0.99
    assert 0.99 < uniform.max() < 1
    assert abs(float(normal.std()) - 1) < 0.05


def test_seeds_are_the_same_on_every_machine():
    assert key_seed(0, "image-1", "pgd", 0) == 267860258472945786


def test_subsets_nest_in_the_order_of_hashes():
    ids = [f"image-{i}" for i in range(20)]
    order = hash_order(ids)
    assert sorted(order) == list(range(20))
    assert [ids[i] for i in order] == [ids[::-1][i] for i in hash_order(ids[::-1])]


def test_noise_is_pinned():
    """Another value here means other random starts in every run: see "Numbers changed"."""
    uniform = uniform_noise(["image-1"], (4,), 0, "pgd", 0)[0]
    normal = normal_noise(["image-1"], (4,), 0, "pgd", 0)[0]
    assert uniform.tolist() == pytest.approx(
        [-0.2450867, -0.9521461, 0.5337836, -0.6735886], abs=1e-6
    )
    assert normal.tolist() == pytest.approx([0.53475, 0.0663728, -0.7542583, -0.6862722], abs=1e-5)


def test_noise_does_not_depend_on_order():
    ids = [f"i{k}" for k in range(6)]
    forwards, backwards = (normal_noise(some, (2, 2), 1) for some in (ids, ids[::-1]))
    assert torch.equal(forwards, backwards.flip(0))
