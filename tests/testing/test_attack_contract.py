"""The contract must fail for what breaks it: a check that cannot fail says nothing."""

from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn

from zsrobust.attacks.ball import project
from zsrobust.attacks.losses import margin
from zsrobust.attacks.search import Attack, Search
from zsrobust.testing import attack_contract
from zsrobust.testing.attack_contract import ContractError, check_attack
from zsrobust.testing.tiny_clip import random_images, tiny_classifier, tiny_clip

PIXELS = torch.rand(24, 3, 6, 6, generator=torch.Generator().manual_seed(0))
EPS = "4/255"


class Linear(nn.Module):
    def __init__(self):
        super().__init__()
        weight = torch.randn(4, 108, generator=torch.Generator().manual_seed(1))
        self.weight = nn.Parameter(weight)
        self.register_buffer("calls", torch.zeros(2))

    def forward(self, pixels):
        return (pixels.flatten(1) - 0.5) @ self.weight.T


LABELS = Linear()(PIXELS).argmax(1)


class Forgetful(Linear):
    """Keeps count of its calls in a buffer whose sum never changes."""

    def forward(self, pixels):
        self.calls += torch.tensor([1.0, -1.0])
        return super().forward(pixels)


class Random(Linear):
    """Randomised without its noise being averaged."""

    def forward(self, pixels):
        return super().forward(pixels + 0.3 * torch.randn_like(pixels))


class Unfreezing(Linear):
    """Turns its own gradients off when asked."""

    def forward(self, pixels):
        self.weight.requires_grad_(False)
        return super().forward(pixels)


def test_a_plain_model_keeps_the_contract_and_its_result_comes_back():
    result = check_attack("pgd-20", Linear(), PIXELS, LABELS, eps=EPS)
    assert len(result.status) == 24
    assert result.status.count("fooled") > 0


def test_more_than_a_block_of_images_may_be_given():
    pixels = torch.rand(260, 3, 6, 6, generator=torch.Generator().manual_seed(2))
    labels = Linear()(pixels).argmax(1)
    assert len(check_attack("pgd-20", Linear(), pixels, labels, eps="1/255").status) == 260


def test_a_model_in_training_mode_with_dropout_keeps_it_too():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(108, 4))
    check_attack("margin-pgd-20", model, PIXELS, torch.zeros(24, dtype=torch.int64), eps=EPS)
    assert model.training


@pytest.mark.parametrize(
    ("model", "what"),
    [(Forgetful, "the model's weights"), (Unfreezing, "which weights are trained")],
)
def test_a_changed_model_is_found(model, what):
    with pytest.raises(ContractError, match=f"{what} changed"):
        check_attack("pgd-20", model(), PIXELS, LABELS, eps=EPS)


def test_a_randomised_classifier_that_is_not_said_to_be_one_is_found():
    torch.manual_seed(0)
    with pytest.raises(ContractError, match="flagged randomised"):
        check_attack("pgd-20", Random(), PIXELS, LABELS, eps=EPS)


@dataclass(frozen=True)
class Shot(Attack):
    """One random corner of the ball; `draw` makes the noise from (case, turn)."""

    draw: object = None

    def begin(self, case, turn):
        shot = case.clean + case.threat.eps * self.draw(case)
        return ShotUnderWay(1, project(shot, case.clean, case.threat), case.labels)


@dataclass
class ShotUnderWay(Search):
    at: torch.Tensor
    labels: torch.Tensor

    def wants_gradient(self):
        return torch.zeros_like(self.labels, dtype=torch.bool)

    def pixels(self):
        return self.at

    def loss(self, logits):
        return margin(logits, self.labels)

    def advance(self, look):
        return torch.ones_like(self.labels, dtype=torch.bool)


def test_an_attack_that_draws_from_the_global_generator_is_found():
    attack = Shot("shot", lambda case: torch.randn_like(case.clean).sign())
    with pytest.raises(ContractError, match="same seed, other bytes"):
        check_attack(attack, Linear(), PIXELS, LABELS, eps=EPS)


def test_an_attack_whose_draws_depend_on_an_images_company_is_found():
    """Always the same for the same images: only other company shows it."""

    def by_company(case):
        noise = torch.Generator().manual_seed(len(case.clean))
        return torch.randn(case.clean.shape, generator=noise).sign()

    with pytest.raises(ContractError, match="who else is attacked"):
        check_attack(Shot("shot", by_company), Linear(), PIXELS, LABELS, eps="20/255")


def first_of(result, status):
    return result.status.index(status)


def altered(values, i, value):
    values = list(values) if isinstance(values, tuple) else values.clone()
    values[i] = value
    return tuple(values) if isinstance(values, list) else values


def lies(result):
    """Results of an engine that went wrong, by what the contract says of them."""
    fooled, stood, wrong = (first_of(result, s) for s in ("fooled", "survived", "clean_wrong"))
    first, second = result.members
    far = result.pixels + 0.2
    return {
        "outside the ball": replace(result, pixels=far.clamp(0, 1)),
        "health holds 23 values": replace(result, health=result.health[1:]),
        "an unknown status": replace(result, status=altered(result.status, 0, "lost")),
        "loss is not finite": replace(result, loss=altered(result.loss, 0, torch.nan)),
        "forwards are not": replace(result, forwards=result.forwards + 1),
        "distances of other pixels": replace(result, distance=result.distance + 0.1),
        "the clean one not": replace(result, status=altered(result.status, wrong, "survived")),
        "yet predicted right": replace(result, status=altered(result.status, stood, "fooled")),
        "yet is predicted wrong": replace(
            result, status=altered(result.status, fooled, "survived")
        ),
        "fooled by no attack": replace(result, attack=altered(result.attack, fooled, "other")),
        "survived a success": replace(result, iteration=altered(result.iteration, stood, 3)),
        "fooled at no iteration": replace(result, iteration=altered(result.iteration, fooled, -1)),
        "margins of other pixels": replace(result, margins=result.margins - 0.1),
        "yet moved": replace(
            result,
            pixels=altered(result.pixels, wrong, PIXELS[wrong] * 0.999),
            distance=altered(result.distance, wrong, (PIXELS[wrong] * 0.001).abs().max().item()),
        ),
        "ran on others than left": replace(
            result, members=(first, replace(second, ran=altered(second.ran, stood, False)))
        ),
    }


def some_result():
    labels = LABELS.clone()
    labels[:4] = (labels[:4] + 1) % 4
    return attack_contract.run_attack(
        Linear(), PIXELS, labels, attack="pgd-20", eps="2/255"
    ), labels


@pytest.mark.parametrize("said", lies(some_result()[0]))
def test_a_result_that_lies_is_found(said, monkeypatch):
    result, labels = some_result()
    monkeypatch.setattr(attack_contract, "run_attack", lambda *_, **__: lies(result)[said])
    with pytest.raises(ContractError, match=said):
        check_attack("pgd-20", Linear(), PIXELS, labels, eps="2/255")


def test_the_tiny_clip_is_always_the_same_and_leaves_the_random_state_alone():
    torch.manual_seed(7)
    expected = torch.rand(2)
    torch.manual_seed(7)
    one, two = tiny_clip(), tiny_clip()
    assert torch.equal(torch.rand(2), expected)
    assert one.fingerprint == two.fingerprint != tiny_clip(seed=1).fingerprint
    classifier = tiny_classifier()
    pixels, labels = random_images(40, classifier)
    assert pixels.min() >= 0 and pixels.max() <= 1
    assert len(set(labels.tolist())) > 1
