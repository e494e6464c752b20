"""What every catalogued attack must do, in both norms; and attacks of a user's own."""

from dataclasses import dataclass, replace

import pytest
import torch
from tests.attacks.victims import Small, images, own_labels

from zsrobust.attacks.ball import project
from zsrobust.attacks.catalogue import ATTACKS
from zsrobust.attacks.losses import margin
from zsrobust.attacks.pgd import PGD
from zsrobust.attacks.randomised import Randomised
from zsrobust.attacks.run_attack import run_attack
from zsrobust.attacks.search import Attack, Search
from zsrobust.attacks.square import Square
from zsrobust.randomness import uniform_noise
from zsrobust.testing.attack_contract import ContractError, check_attack
from zsrobust.testing.tiny_clip import random_images, tiny_classifier
from zsrobust.threat_model import ThreatModel

RADII = {"linf": "4/255", "l2": 0.15}
PIXELS = images(32, low=0.0, high=1.0)


def labels_with_errors(model):
    labels = own_labels(model, PIXELS)
    labels[:5] = (labels[:5] + 1) % 5
    return labels


def quick(cascade):
    """The same attacks with fewer steps: their length is not what the contract is about."""
    return tuple(
        replace(m, queries=60) if isinstance(m, Square) else replace(m, steps=min(m.steps, 20))
        for m in cascade
    )


@pytest.mark.parametrize("norm", RADII)
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_keeps_the_contract(name, norm):
    model = Small()
    result = check_attack(
        quick(ATTACKS[name]), model, PIXELS, labels_with_errors(model), eps=RADII[norm], norm=norm
    )
    assert model.training
    assert result.status[:5] == ("clean_wrong",) * 5
    assert 0 < result.attack_success_rate < 1


@pytest.mark.parametrize("norm", RADII)
def test_it_is_kept_on_a_clip_too(norm):
    classifier = tiny_classifier()
    pixels, labels = random_images(24, classifier)
    cascade = (PGD("a", steps=5), Square("b", queries=20))
    check_attack(cascade, classifier, pixels, labels, eps="1/255", norm=norm)


def test_a_callable_that_is_no_module_may_be_attacked():
    weight = torch.randn(3, 3 * 6 * 6, generator=torch.Generator().manual_seed(0))
    model = lambda x: x.flatten(1) @ weight.T  # noqa: E731
    check_attack("pgd-20", model, PIXELS, model(PIXELS).argmax(1), eps="4/255")


def test_a_randomised_classifier_is_held_to_it_too():
    model = Small().eval()
    noisy = lambda x: model(x + 0.02 * torch.randn_like(x))  # noqa: E731
    labels = own_labels(model, PIXELS)
    wrapped = Randomised(noisy, samples=3, votes=3)
    check_attack(PGD("pgd", steps=3), wrapped, PIXELS, labels, eps="4/255")


@dataclass(frozen=True)
class RandomSearch(Attack):
    """A user's own: random corners of the ball, the best so far kept. Needs no gradient."""

    tries: int = 20
    reach: float = 1.0
    """In radii: above 1 it leaves the ball."""
    boxed: bool = True
    """Whether it keeps to [0, 1]."""

    def begin(self, case, turn):
        shape = (self.tries, *case.clean.shape[1:])
        return RandomSearchUnderWay(
            looks=self.tries,
            attack=self,
            threat=case.threat,
            clean=case.clean,
            labels=case.labels,
            noise=uniform_noise(case.ids, shape, case.seed, self.name, turn).sign(),
            tried=torch.zeros_like(case.labels),
        )


@dataclass
class RandomSearchUnderWay(Search):
    attack: RandomSearch
    threat: ThreatModel
    clean: torch.Tensor
    labels: torch.Tensor
    noise: torch.Tensor
    tried: torch.Tensor

    def wants_gradient(self):
        return torch.zeros_like(self.tried, dtype=torch.bool)

    def pixels(self):
        step = self.noise[torch.arange(len(self.tried)), self.tried]
        if self.attack.reach > 1 or not self.attack.boxed:
            return self.clean + self.attack.reach * self.threat.eps * step
        return project(self.clean + step, self.clean, self.threat)

    def loss(self, logits):
        return margin(logits, self.labels)

    def advance(self, look):
        self.tried += 1
        return self.tried >= self.attack.tries


@pytest.mark.parametrize("norm", RADII)
def test_a_users_own_attack_can_be_held_to_it(norm):
    model = Small()
    attack = RandomSearch("random-search")
    labels = own_labels(model, PIXELS)
    result = check_attack(attack, model, PIXELS, labels, eps=RADII[norm], norm=norm)
    assert set(result.forwards[~torch.tensor([bool(a) for a in result.attack])].tolist()) == {20}
    assert set(result.backwards.tolist()) == {0}


def test_an_attack_that_leaves_the_ball_is_projected_back_flagged_and_refused():
    model, labels = Small(), own_labels(Small(), PIXELS)
    attack = RandomSearch("far", reach=3.0)
    result = run_attack(model, PIXELS, labels, attack=attack, eps="4/255")
    assert float((result.pixels - PIXELS).abs().max()) <= 4 / 255 + 1e-6
    assert all("outside-ball" in flags for flags in result.health)
    with pytest.raises(ContractError, match="flagged outside-ball"):
        check_attack(attack, model, PIXELS, labels, eps="4/255")


def test_so_is_one_that_keeps_to_the_ball_and_leaves_the_box():
    model, pixels = Small(), images(32, low=-0.3, high=1.3).clamp(0, 1)
    labels, attack = own_labels(model, pixels), RandomSearch("unboxed", boxed=False)
    result = run_attack(model, pixels, labels, attack=attack, eps="4/255")
    assert result.pixels.min() >= 0 and result.pixels.max() <= 1
    assert all("outside-ball" in flags for flags in result.health)
    with pytest.raises(ContractError, match="flagged outside-ball"):
        check_attack(attack, model, pixels, labels, eps="4/255")


def test_a_loader_and_a_tensor_give_the_same_bytes():
    model, labels = Small(), own_labels(Small(), PIXELS)
    pairs = torch.utils.data.TensorDataset(PIXELS, labels)
    loader = torch.utils.data.DataLoader(pairs, batch_size=7)
    one = run_attack(model, loader, attack="pgd-20", eps="4/255")
    two = run_attack(model, PIXELS, labels, attack="pgd-20", eps="4/255")
    assert torch.equal(one.pixels, two.pixels)
    assert one.status == two.status
    assert torch.equal(one.forwards, two.forwards)


def test_another_seed_gives_other_draws():
    model, labels = Small(), own_labels(Small(), PIXELS)
    one, two = (
        run_attack(model, PIXELS, labels, attack=PGD("pgd"), eps="1/255", seed=seed)
        for seed in (0, 1)
    )
    assert not torch.equal(one.pixels, two.pixels)
