"""What every catalogued attack must do, on a tiny CLIP, in both norms."""

import pytest
import torch

from zsrobust.attacks.catalogue import ATTACKS
from zsrobust.testing.attack_contract import check_attack
from zsrobust.testing.tiny_clip import random_images, tiny_classifier

RADII = {"linf": "2/255", "l2": 0.3}


@pytest.mark.parametrize("norm", RADII)
@pytest.mark.parametrize("name", [name for name in ATTACKS if "100" not in name])
def test_an_attack_keeps_the_contract(name, norm):
    classifier = tiny_classifier()
    pixels, labels = random_images(40, classifier)
    labels[:5] = (labels[:5] + 1) % 5
    check_attack(name, classifier, pixels, labels, eps=RADII[norm], norm=norm)


def test_a_callable_that_is_no_module_may_be_attacked():
    weight = torch.randn(3, 3 * 8 * 8, generator=torch.Generator().manual_seed(0))
    pixels = torch.rand(12, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    model = lambda x: x.flatten(1) @ weight.T  # noqa: E731
    check_attack("pgd-20", model, pixels, model(pixels).argmax(1), eps="4/255", norm="linf")
