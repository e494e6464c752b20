"""Lower precision: never weaker as `bf16`, and as the literature's half precision made visible."""

import pytest
import torch
from tests.attacks.victims import RowByRow, Small, draws, fooled, images, own_labels
from torch.nn import functional

from zsrobust.attacks.apgd import APGD
from zsrobust.attacks.fab import FAB
from zsrobust.attacks.pgd import PGD
from zsrobust.attacks.run_attack import run_attack

PIXELS = images(60)
CASCADE = (APGD("apgd-ce", steps=10), FAB("fab-t", steps=5))


def cosine_head(scale):
    """Unit features against unit class embeddings, times a scale: confident where that is large."""
    first = torch.randn(64, 48, generator=draws(0)) * 2 / 48**0.5
    second = torch.randn(32, 64, generator=draws(1)) * 2 / 64**0.5
    classes = functional.normalize(torch.randn(10, 32, generator=draws(2)), dim=1)

    def model(pixels):
        hidden = functional.linear(pixels.flatten(1) - 0.5, first).relu()
        features = functional.normalize(functional.linear(hidden, second), dim=1)
        return functional.linear(features, classes) * scale

    return model


def zeros(result):
    return sum("zero-gradient" in flags for flags in result.health)


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("model", [RowByRow(), Small().eval()], ids=["linear", "perceptron"])
def test_a_first_pass_in_bf16_is_never_weaker_than_fp32_alone(model, norm):
    labels, eps = own_labels(model, PIXELS), {"linf": "2/255", "l2": 0.1}[norm]
    plain, twice = (
        run_attack(model, PIXELS, labels, attack=CASCADE, eps=eps, norm=norm, precision=precision)
        for precision in ("fp32", "bf16")
    )
    assert 0 < int(fooled(plain).sum()) < 60
    assert bool(fooled(twice)[fooled(plain)].all())


def test_records_say_which_successes_are_the_first_passes():
    model = Small().eval()
    labels = own_labels(model, PIXELS)
    result = run_attack(model, PIXELS, labels, attack=CASCADE, eps="3/255", precision="bf16")
    named = ["bf16:apgd-ce", "bf16:fab-t", "apgd-ce", "fab-t"]
    assert [member.name for member in result.members] == named
    assert "bf16:apgd-ce" in result.attack
    stood = torch.tensor([not winner.startswith("bf16:") for winner in result.attack])
    assert torch.equal(result.members[2].ran, stood)


def test_what_bf16_finds_is_judged_in_fp32():
    model = Small().eval()
    labels = own_labels(model, PIXELS)
    result = run_attack(model, PIXELS, labels, attack=CASCADE, eps="3/255", precision="bf16")
    with torch.no_grad():
        wrong = model(result.pixels).argmax(1) != labels
    assert torch.equal(wrong, fooled(result))


def test_the_search_really_runs_in_the_precision_asked_for():
    seen = set()

    def watch(pixels):
        hidden = functional.linear(pixels.flatten(1), torch.ones(3, 108) / 108)
        seen.add(hidden.dtype)
        return hidden * torch.tensor([1.0, 0.5, 0.2])

    for precision, kinds in (
        ("fp32", {torch.float32}),
        ("bf16", {torch.float32, torch.bfloat16}),
        ("fp16-unscaled", {torch.float32, torch.float16}),
    ):
        seen.clear()
        labels = torch.zeros(8, dtype=torch.int64)
        run_attack(watch, PIXELS[:8], labels, attack=PGD("p", steps=2), precision=precision)
        assert seen == kinds


@pytest.fixture(scope="module")
def confident():
    """512 images under four steps of mean-reduced or summed PGD, by precision and batch size."""
    model = cosine_head(scale=600)
    pixels = torch.rand(512, 3, 4, 4, generator=draws(3))
    labels = model(pixels).argmax(1)

    def attacked(precision, reduction, batch_size):
        attack = PGD("pgd", steps=4, reduction=reduction, iterate="last")
        return run_attack(
            model,
            pixels,
            labels,
            attack=attack,
            eps="8/255",
            precision=precision,
            batch_size=batch_size,
        )

    return attacked


def test_in_half_precision_a_mean_loss_makes_larger_batches_look_more_robust(confident):
    """Each pixel's gradient is divided by the batch and underflows: the literature's fault."""
    small = confident("fp16-unscaled", "mean", 8)
    large = confident("fp16-unscaled", "mean", 256)
    assert large.robust_accuracy > small.robust_accuracy + 0.03
    assert zeros(large) > zeros(small) + 10


def test_with_the_default_robust_accuracy_does_not_move_with_the_batch(confident):
    default = confident("fp32", "sum", 8)
    assert confident("fp32", "sum", 256).status == default.status
    halves = [confident("fp16-unscaled", "sum", size).status for size in (8, 256)]
    assert halves[0] == halves[1]
    assert halves[0].count("survived") > default.status.count("survived") + 50


def test_in_fp32_dividing_by_the_batch_changes_nothing(confident):
    one, two = confident("fp32", "sum", 256), confident("fp32", "mean", 256)
    differ = sum(a != b for a, b in zip(one.status, two.status, strict=True))
    assert differ <= 0.005 * 512
