"""Defences without a useful gradient, and the stand-in that lets gradient attacks through."""

import pytest
import torch
from tests.attacks.victims import Small, fooled, images, own_labels

from zsrobust.attacks.pgd import PGD
from zsrobust.attacks.run_attack import run_attack
from zsrobust.attacks.substitute import with_substitute
from zsrobust.errors import RunError

MODEL = Small().eval()
PIXELS = images(60)
ATTACK = PGD("pgd")


def quantise(pixels):
    return (pixels * 15).round() / 15


def defended(pixels):
    """Quantised: a step function, whose gradient is zero wherever it has one."""
    return MODEL(quantise(pixels))


attackable = with_substitute(quantise)


def test_a_quantising_defence_fools_plain_pgd_and_says_so():
    labels = own_labels(defended, PIXELS)
    result = run_attack(defended, PIXELS, labels, attack=ATTACK, eps="12/255")
    assert result.robust_accuracy > 0.7
    stood = [
        flags
        for flags, status in zip(result.health, result.status, strict=True)
        if status == "survived"
    ]
    assert all("zero-gradient" in flags for flags in stood)
    assert "zero-gradient" in [sign.flag for sign in result.signs]


@pytest.mark.parametrize(("norm", "eps"), [("linf", "12/255"), ("l2", 0.5)])
def test_with_a_substitute_the_same_attack_breaks_it(norm, eps):
    labels = own_labels(defended, PIXELS)
    arguments = {"attack": ATTACK, "eps": eps, "norm": norm}
    plain = run_attack(defended, PIXELS, labels, **arguments)
    through = run_attack(lambda x: MODEL(attackable(x)), PIXELS, labels, **arguments)
    assert int(fooled(through).sum()) > int(fooled(plain).sum()) + 30
    assert through.robust_accuracy < 0.1


def test_success_is_judged_by_the_true_defence():
    labels = own_labels(defended, PIXELS)
    result = run_attack(lambda x: MODEL(attackable(x)), PIXELS, labels, attack=ATTACK, eps="12/255")
    with torch.no_grad():
        assert torch.equal(defended(result.pixels).argmax(1) != labels, fooled(result))


def test_its_value_is_the_transforms_and_its_gradient_the_substitutes():
    pixels = images(2).requires_grad_()
    through = with_substitute(quantise, lambda x: 3 * x)
    out = through(pixels)
    assert torch.allclose(out, quantise(pixels), atol=1e-6)
    (gradient,) = torch.autograd.grad(out.sum(), pixels)
    assert torch.equal(gradient, torch.full_like(pixels, 3.0))


def test_a_transform_that_hides_the_gradient_entirely_is_refused_without_one():
    hidden = lambda x: quantise(x.detach())  # noqa: E731
    labels = own_labels(defended, PIXELS)
    with pytest.raises(RunError, match="No gradient reaches the pixels"):
        run_attack(lambda x: MODEL(hidden(x)), PIXELS, labels, attack=ATTACK, eps="12/255")
    through = with_substitute(hidden)
    result = run_attack(lambda x: MODEL(through(x)), PIXELS, labels, attack=ATTACK, eps="12/255")
    assert result.robust_accuracy < 0.1
