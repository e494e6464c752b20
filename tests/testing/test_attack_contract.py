"""The contract must fail for what breaks it: a check that cannot fail says nothing."""

import pytest
import torch
from torch import nn

from zsrobust.testing.attack_contract import ContractError, check_attack
from zsrobust.testing.tiny_clip import random_images, tiny_classifier, tiny_clip

PIXELS = torch.rand(24, 3, 6, 6, generator=torch.Generator().manual_seed(0))


class Linear(nn.Module):
    def __init__(self):
        super().__init__()
        weight = torch.randn(4, 108, generator=torch.Generator().manual_seed(1))
        self.weight = nn.Parameter(weight)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, pixels):
        return pixels.flatten(1) @ self.weight.T


class Forgetful(Linear):
    """Keeps count of its calls in a buffer."""

    def forward(self, pixels):
        self.calls += 1
        return super().forward(pixels)


class Random(Linear):
    """Randomised without its noise being averaged."""

    def forward(self, pixels):
        return super().forward(pixels + 0.3 * torch.randn_like(pixels))


def test_a_plain_model_keeps_the_contract_and_its_result_comes_back():
    model = Linear()
    result = check_attack("pgd-20", model, PIXELS, model(PIXELS).argmax(1), eps="4/255")
    assert len(result.status) == 24


def test_a_model_in_training_mode_with_dropout_keeps_it_too():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(108, 4))
    check_attack("margin-pgd-20", model, PIXELS, torch.zeros(24, dtype=torch.int64), eps="4/255")
    assert model.training


def test_a_changed_buffer_is_found():
    model = Forgetful()
    with pytest.raises(ContractError, match="the model's weights changed"):
        check_attack("pgd-20", model, PIXELS, Linear()(PIXELS).argmax(1), eps="4/255")


def test_randomness_that_the_seed_does_not_hold_is_found():
    torch.manual_seed(0)
    with pytest.raises(ContractError, match="breaks its contract"):
        check_attack("pgd-20", Random(), PIXELS, Linear()(PIXELS).argmax(1), eps="4/255")


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
