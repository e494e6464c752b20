"""A randomised defence fools plain PGD; averaged over draws (EOT), the same attack breaks it."""

import pytest
import torch
from tests.attacks.victims import Small, draws, fooled, images, names
from torch.nn import functional

from zsrobust.attacks.pgd import PGD
from zsrobust.attacks.randomised import Randomised
from zsrobust.attacks.run_attack import run_attack
from zsrobust.errors import SettingsError

MODEL = Small(classes=3, size=8).eval()
KEPT = 0.3
ATTACK = PGD("pgd", steps=4)
EPS = "24/255"


def defended(pixels):
    """Sees a random 30 % of the pixels at each call, and leads the gradient to those alone."""
    mask = (torch.rand_like(pixels) < KEPT).to(pixels)
    return MODEL(0.5 + (pixels - 0.5) * mask / KEPT)


def votes(pixels, count=101):
    """The answers most often given over many fresh draws, (B,), and how often, as a share."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(99)
        answers = torch.stack([defended(pixels).argmax(1) for _ in range(count)])
    shares, winner = functional.one_hot(answers, 3).float().mean(0).max(1)
    return winner, shares


@pytest.fixture(scope="module")
def attackable():
    """Forty images that the defence gets right, most of the times it is asked."""
    pixels = images(200, size=8, low=0.0, high=1.0)
    labels, shares = votes(pixels)
    sure = shares > 0.7
    return pixels[sure][:40], labels[sure][:40]


def overturned(result, labels):
    return int((votes(result.pixels)[0] != labels).sum())


def test_plain_pgd_hardly_overturns_it_and_the_average_does(attackable):
    pixels, labels = attackable
    assert len(pixels) == 40
    with torch.random.fork_rng():
        torch.manual_seed(0)
        plain = run_attack(defended, pixels, labels, attack=ATTACK, eps=EPS)
    averaged = run_attack(Randomised(defended), pixels, labels, attack=ATTACK, eps=EPS)
    assert overturned(plain, labels) <= 8
    assert overturned(averaged, labels) >= 25


def test_plain_pgd_on_it_is_flagged_as_invalid_and_the_average_is_not(attackable):
    pixels, labels = attackable
    with torch.random.fork_rng():
        torch.manual_seed(0)
        plain = run_attack(defended, pixels, labels, attack=ATTACK, eps=EPS)
    averaged = run_attack(Randomised(defended), pixels, labels, attack=ATTACK, eps=EPS)
    assert ("randomised", "invalid") in [(sign.flag, sign.level) for sign in plain.signs]
    assert not [sign for sign in averaged.signs if sign.level != "note"]


def test_one_lucky_draw_overturns_nothing(attackable):
    """A tiny radius: a fifth of single draws is wrong, hardly one vote of 31 is."""
    pixels, labels = attackable
    rates = []
    for seed in range(5):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            plain = run_attack(defended, pixels, labels, attack=ATTACK, eps="0.5/255")
        rates.append(plain.attack_success_rate)
    lucky = sum(rates) / len(rates)
    voted = Randomised(defended, samples=1, votes=31)
    fair = run_attack(voted, pixels, labels, attack=ATTACK, eps="0.5/255").attack_success_rate
    assert lucky > fair + 0.1
    assert fair < 0.1


def test_what_is_called_fooled_is_mostly_overturned_in_fresh_draws_too(attackable):
    """Four in five: the search stops as soon as votes allow, at the very edge."""
    pixels, labels = attackable
    result = run_attack(
        Randomised(defended, samples=10, votes=51), pixels, labels, attack=ATTACK, eps=EPS
    )
    won = fooled(result)
    assert int(won.sum()) >= 15
    agree = (votes(result.pixels)[0] != labels)[won].float().mean()
    assert float(agree) >= 0.65


@pytest.mark.parametrize(("samples", "judges"), [(5, 3), (5, 1), (1, 3)])
def test_same_seed_same_bytes_and_the_callers_random_state_stays_his(attackable, samples, judges):
    pixels, labels = attackable
    runs = []
    for state in (1, 2):
        torch.manual_seed(state)
        expected = torch.rand(3, generator=draws(state))
        classifier = Randomised(defended, samples=samples, votes=judges)
        runs.append(run_attack(classifier, pixels, labels, attack=ATTACK, eps=EPS, ids=names(40)))
        assert torch.equal(torch.rand(3), expected)
    assert torch.equal(runs[0].pixels, runs[1].pixels)
    assert torch.equal(runs[0].margins, runs[1].margins)
    assert runs[0].status == runs[1].status
    other = run_attack(
        Randomised(defended, samples=samples, votes=judges),
        pixels,
        labels,
        attack=ATTACK,
        eps=EPS,
        ids=names(40),
        seed=1,
    )
    assert not torch.equal(other.pixels, runs[0].pixels)


def test_every_sample_is_counted():
    model = Randomised(lambda x: MODEL(x), samples=4, votes=1)
    pixels = images(10, size=8)
    labels = model(pixels).argmax(1)
    result = run_attack(model, pixels, labels, attack=PGD("pgd", steps=3), eps=0)
    assert set(result.forwards.tolist()) == {4 * 4}
    assert set(result.backwards.tolist()) == {4 * 3}


def test_counts_that_mean_nothing_are_refused():
    for wrong in ({"samples": 0}, {"votes": 0}, {"votes": 4}):
        with pytest.raises(SettingsError, match="votes odd"):
            Randomised(defended, **wrong)
