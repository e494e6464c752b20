from functools import partial

import pytest
import torch
from tests.training.small_training import colours, recipe

from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.data.pixels import read_pixels
from zsrobust.errors import RunError
from zsrobust.objectives.catalogue import build_objective
from zsrobust.objectives.objective import Batch, LossTerms
from zsrobust.testing.tiny_clip import tiny_clip
from zsrobust.training.inner_attack import attack_batch
from zsrobust.training.recipe import Optimizer
from zsrobust.training.step import make_optimizer, update

KEY = (0, "train", 3)


@pytest.fixture
def setting():
    data = colours(6)
    classifier = classifier_of(tiny_clip(), data.class_names, ["a {}"])
    classifier.visual.requires_grad_(True)
    batch = Batch(
        read_pixels(data, range(6), 28), torch.tensor(data.labels, dtype=torch.int64), data.ids
    )
    return classifier, build_objective("tecoa", {}, classifier), batch


def test_the_attack_raises_the_loss_within_the_ball(setting):
    classifier, objective, batch = setting
    inner = recipe().attack
    adversarial = attack_batch(classifier, objective, batch, inner, KEY)
    loss = objective.inner_loss(classifier, batch)
    with torch.no_grad():
        assert loss(adversarial).mean() > loss(batch.pixels).mean()
    assert float((adversarial - batch.pixels).abs().max()) <= inner.threat.eps + 1e-6
    assert float(adversarial.min()) >= 0
    assert float(adversarial.max()) <= 1


def test_trap_the_attack_leaves_no_gradient_in_any_parameter(setting):
    classifier, objective, batch = setting
    attack_batch(classifier, objective, batch, recipe().attack, KEY)
    assert all(parameter.grad is None for parameter in classifier.model.clip.parameters())


def test_trap_a_step_does_not_learn_from_gradients_that_the_attack_left_in_the_parameters(setting):
    classifier, objective, batch = setting
    before = [parameter.detach().clone() for parameter in classifier.visual.parameters()]

    def after(leftover: bool) -> list[torch.Tensor]:
        with torch.no_grad():
            for parameter, value in zip(classifier.visual.parameters(), before, strict=True):
                parameter.copy_(value)
                parameter.grad = torch.ones_like(parameter) if leftover else None
        optimizer = make_optimizer(Optimizer(lr=0.1), classifier.visual.parameters())
        loss = partial(objective.outer_loss, classifier, batch, batch.pixels)
        update(optimizer, [(1.0, loss)], 0.1, 0)
        return [parameter.detach().clone() for parameter in classifier.visual.parameters()]

    clean, dirty = after(leftover=False), after(leftover=True)
    assert all(torch.equal(a, b) for a, b in zip(clean, dirty, strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(clean, before, strict=True))


def test_the_random_start_is_keyed_by_sample_id_and_step(setting):
    classifier, objective, batch = setting
    inner = recipe().attack
    whole = attack_batch(classifier, objective, batch, inner, KEY)
    alone = Batch(batch.pixels[2:3], batch.labels[2:3], batch.ids[2:3])
    single = attack_batch(classifier, objective, alone, inner, KEY)
    assert (whole[2:3] == single).float().mean() > 0.99
    later = attack_batch(classifier, objective, batch, inner, (0, "train", 4))
    assert not torch.equal(whole, later)


def test_a_loss_that_is_not_finite_stops_the_training_and_names_step_and_term(setting):
    classifier, _, _ = setting
    optimizer = make_optimizer(Optimizer(lr=0.1), classifier.visual.parameters())
    terms = LossTerms({"cross_entropy": torch.tensor(1.0), "constraint": torch.tensor(torch.nan)})
    with pytest.raises(RunError, match=r"step 7: the loss is not finite \(.*constraint nan\)"):
        update(optimizer, [(1.0, lambda: terms)], 0.1, 7)


def test_trap_sgd_has_no_nesterov_and_adamw_takes_its_betas():
    tower = torch.nn.Linear(2, 2)
    sgd = make_optimizer(Optimizer(kind="sgd", lr=0.1, weight_decay=0.2), tower.parameters())
    assert isinstance(sgd, torch.optim.SGD)
    group = sgd.param_groups[0]
    assert (group["momentum"], group["nesterov"], group["weight_decay"]) == (0.9, False, 0.2)
    adamw = make_optimizer(Optimizer(kind="adamw", lr=0.1, betas=(0.8, 0.95)), tower.parameters())
    assert isinstance(adamw, torch.optim.AdamW)
    assert adamw.param_groups[0]["betas"] == (0.8, 0.95)
