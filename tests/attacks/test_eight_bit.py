"""Successes that survive being saved: rounded to 256 levels, inside the ball, still fooling."""

import pytest
import torch
from tests.attacks.victims import Small, draws, fooled, images, own_labels

from zsrobust.attacks.apgd import APGD
from zsrobust.attacks.eight_bit import to_eight_bit
from zsrobust.attacks.fab import FAB
from zsrobust.attacks.run_attack import run_attack
from zsrobust.attacks.square import Square
from zsrobust.threat_model import ThreatModel

ON_GRID = (images(40, low=0.0, high=1.0) * 255).round() / 255
OFF_GRID = images(40, low=0.0, high=1.0)
RADII = {"linf": "3/255", "l2": 0.12}
CASCADE = (APGD("apgd", steps=20), FAB("fab", steps=10), Square("square", queries=30))


def reloaded(pixels):
    """As a PNG would give them back."""
    return (pixels * 255).round().to(torch.uint8).float() / 255


@pytest.mark.parametrize("norm", RADII)
@pytest.mark.parametrize("clean", [ON_GRID, OFF_GRID], ids=["on-grid", "off-grid"])
def test_a_success_fools_and_lies_in_the_ball_after_saving(clean, norm):
    model = Small().eval()
    labels = own_labels(model, clean)
    result = run_attack(
        model, clean, labels, attack=CASCADE, eps=RADII[norm], norm=norm, eight_bit=True
    )
    won = fooled(result)
    assert 0 < int(won.sum()) < 40
    saved = reloaded(result.pixels)
    assert torch.equal(saved[won], result.pixels[won])
    with torch.no_grad():
        assert bool((model(saved).argmax(1) != labels)[won].all())
    delta = (saved - clean).flatten(1)
    away = delta.abs().amax(1) if norm == "linf" else delta.norm(dim=1)
    limit = 3 / 255 if norm == "linf" else 0.12
    assert float(away[won].max()) <= limit + 2e-6


def test_without_the_option_some_successes_are_lost_by_saving():
    """Less than half a level of radius: rounding undoes all of it."""
    model = Small().eval()
    clean = (images(300, low=0.0, high=1.0) * 255).round() / 255
    labels = own_labels(model, clean)
    arguments = {"attack": APGD("apgd", steps=20), "eps": "0.45/255"}
    plain = run_attack(model, clean, labels, **arguments)
    saved = run_attack(model, clean, labels, eight_bit=True, **arguments)
    assert int(fooled(plain).sum()) >= 1
    assert int(fooled(saved).sum()) == 0
    assert torch.allclose(saved.pixels, clean, atol=1e-6)


def test_it_never_claims_more_than_the_free_attack():
    model = Small().eval()
    labels = own_labels(model, OFF_GRID)
    arguments = {"attack": APGD("apgd", loss="margin", steps=50), "eps": "2/255"}
    free = run_attack(model, OFF_GRID, labels, **arguments)
    saved = run_attack(model, OFF_GRID, labels, eight_bit=True, **arguments)
    assert int(fooled(saved).sum()) <= int(fooled(free).sum())


def test_the_survivors_of_it_are_returned_within_the_ball_too():
    model = Small().eval()
    for clean in (ON_GRID, OFF_GRID):
        labels = own_labels(model, clean)
        result = run_attack(
            model, clean, labels, attack=APGD("a", steps=5), eps="0.7/255", eight_bit=True
        )
        assert "survived" in result.status
        assert float((result.pixels - clean).abs().max()) <= 0.7 / 255 + 2e-6
        with torch.no_grad():
            assert torch.equal(model(result.pixels).argmax(1), result.predictions)


def test_levels_outside_an_linf_ball_are_avoided_where_it_holds_another():
    """Clean 10.4 levels, radius 1.2: of 9.2 to 11.6 only 10 and 11 are levels."""
    clean = torch.full((1, 3, 2, 2), 10.4 / 255)
    threat = ThreatModel("linf", 1.2 / 255)
    for change, level in ((-1.2, 10), (1.2, 11), (0.0, 10)):
        rounded, inside = to_eight_bit(clean + change / 255, clean, threat)
        assert bool(inside)
        assert torch.allclose(rounded, torch.full_like(clean, level / 255))


def test_a_ball_too_narrow_for_any_level_is_said_to_hold_none():
    clean = torch.full((1, 3, 2, 2), 10.4 / 255)
    _, inside = to_eight_bit(clean, clean, ThreatModel("linf", 0.2 / 255))
    assert not bool(inside)
    _, inside = to_eight_bit(clean, clean, ThreatModel("l2", 0.2 / 255))
    assert not bool(inside)


def test_multiples_of_a_level_stay_where_they_are():
    """On-grid images moved by whole levels: rounding moves nothing, and 4/255 is inside 4/255."""
    step = torch.randint(-4, 5, ON_GRID.shape, generator=draws(0)) / 255
    moved = (ON_GRID + step).clamp(0, 1)
    rounded, inside = to_eight_bit(moved, ON_GRID, ThreatModel("linf", 4 / 255))
    assert torch.allclose(rounded, moved, atol=1e-6)
    assert bool(inside.all())
