import pytest
import torch
from tests.training.small_training import colours, recipe, run, weights

from zsrobust.attacks.n_fgsm import n_fgsm
from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.data.pixels import read_pixels
from zsrobust.objectives.catalogue import build_objective
from zsrobust.objectives.objective import Batch
from zsrobust.randomness import uniform_noise
from zsrobust.testing.tiny_clip import tiny_clip
from zsrobust.training.inner_attack import attack_batch

EPS = 4 / 255
KEY = (0, "train", 3)


@pytest.fixture(scope="module")
def setting():
    data = colours(6)
    classifier = classifier_of(tiny_clip(), data.class_names, ["a {}"])
    batch = Batch(read_pixels(data, range(6), 28), torch.tensor(data.labels), data.ids)
    return classifier, build_objective("tecoa", {}, classifier), batch


def attack(**settings):
    return recipe(attack={"eps": "4/255", "step_size": "eps", **settings}).attack


def test_n_fgsm_is_one_step_from_noise_of_two_radii_that_no_ball_clips():
    clean = torch.full((3, 3, 8, 8), 0.5)
    slope = torch.linspace(-1, 1, 64).view(8, 8)
    made = n_fgsm(
        lambda pixels: (pixels * slope).sum((1, 2, 3)), clean, ["a", "b", "c"], "key",
        eps=EPS, noise=2.0, step_size=EPS,
    )  # fmt: skip
    eta = uniform_noise(["a", "b", "c"], (3, 8, 8), "key") * 2 * EPS
    assert torch.allclose(made, clean + eta + EPS * slope.sign(), atol=1e-7)
    assert 2 * EPS < float((made - clean).abs().max()) <= 3 * EPS + 1e-6


def test_n_fgsm_stays_in_the_box_and_without_noise_is_fgsm():
    black = torch.zeros(1, 3, 4, 4)
    made = n_fgsm(
        lambda pixels: -pixels.sum((1, 2, 3)), black, ["a"], eps=EPS, noise=2.0, step_size=EPS
    )
    assert 0 <= float(made.min()) <= float(made.max()) <= 2 * EPS
    plain = n_fgsm(
        lambda pixels: pixels.sum((1, 2, 3)), black, ["a"], eps=EPS, noise=0.0, step_size=EPS
    )
    assert torch.allclose(plain, torch.full_like(black, EPS))


def test_without_an_attack_the_images_are_the_clean_ones(setting):
    classifier, objective, batch = setting
    none = recipe(attack="none").attack
    assert attack_batch(classifier, objective, batch, none, KEY) is batch.pixels


@pytest.mark.parametrize("kind", ["pgd", "n-fgsm"])
def test_radius_and_step_grow_linearly_over_the_warm_up(setting, kind):
    classifier, objective, batch = setting
    inner = attack(kind=kind, eps_warmup_steps=4, noise=1.0)
    assert [inner.ramp(step) for step in (0, 1, 3, 4, 99)] == [0.25, 0.5, 1.0, 1.0, 1.0]
    reach = [
        float((attack_batch(classifier, objective, batch, inner, KEY, ramp=ramp) - batch.pixels)
              .abs().max())
        for ramp in (0.25, 0.5, 1.0)
    ]  # fmt: skip
    whole = EPS if kind == "pgd" else 2 * EPS
    assert reach == pytest.approx([whole / 4, whole / 2, whole], rel=0.02)


@pytest.mark.parametrize("kind", ["pgd", "n-fgsm"])
def test_trap_no_attack_leaves_gradients_in_the_parameters(setting, kind):
    classifier, objective, batch = setting
    classifier.visual.requires_grad_(True)
    attack_batch(classifier, objective, batch, attack(kind=kind), KEY)
    assert all(parameter.grad is None for parameter in classifier.model.clip.parameters())


def test_names_instead_of_ids_name_the_noise(setting):
    classifier, objective, batch = setting
    rows = [f"row {i}" for i in range(6)]
    made = [
        attack_batch(classifier, objective, batch, attack(), KEY, names=names)
        for names in (None, batch.ids, rows)
    ]
    assert torch.equal(made[0], made[1])
    assert not torch.equal(made[0], made[2])


@pytest.mark.parametrize("kind", ["n-fgsm", "none"])
def test_trainings_without_pgd_train(tmp_path, kind):
    chosen = recipe(attack=kind if kind == "none" else {"kind": kind, "eps": "4/255"}, steps=2)
    trained = run(tmp_path / "run", chosen)
    assert weights(trained) != weights(tiny_clip())
    assert chosen.hash != recipe(steps=2).hash
