import pytest
import torch

from zsrobust.attacks.looking import pixel_gradient
from zsrobust.attacks.losses import cross_entropy, margin
from zsrobust.attacks.pgd import PGD, pgd
from zsrobust.attacks.run_attack import run_attack
from zsrobust.attacks.step_size import step_length
from zsrobust.errors import PixelsError, RunError, SettingsError, UnknownNameError
from zsrobust.testing.tiny_clip import random_images, tiny_classifier
from zsrobust.threat_model import ThreatModel

GENERATOR = torch.Generator().manual_seed(0)
WEIGHT = torch.randn(4, 3 * 6 * 6, generator=GENERATOR) / 10
PIXELS = 0.3 + 0.4 * torch.rand(60, 3, 6, 6, generator=GENERATOR)


def linear(pixels):
    return pixels.flatten(1) @ WEIGHT.T


def two_way(pixels):
    return linear(pixels)[:, :2]


def exact_decisions(pixels, labels, norm, eps):
    """Whether any allowed change overturns a linear decision away from the box's faces."""
    logits = two_way(pixels)
    w = WEIGHT[1 - labels] - WEIGHT[labels]
    reach = eps * (w.abs().sum(1) if norm == "linf" else w.norm(dim=1))
    gap = logits.gather(1, 1 - labels[:, None]) - logits.gather(1, labels[:, None])
    return gap[:, 0] + reach > 0


@pytest.mark.parametrize("loss", ["cross-entropy", "margin"])
@pytest.mark.parametrize(("norm", "eps"), [("linf", 4 / 255), ("linf", 12 / 255), ("l2", 0.3)])
def test_on_a_linear_model_pgd_decides_as_the_exact_optimum(norm, eps, loss):
    labels = two_way(PIXELS).argmax(1)
    result = run_attack(two_way, PIXELS, labels, attack=PGD(loss, loss=loss), eps=eps, norm=norm)
    found = torch.tensor([status == "fooled" for status in result.status])
    exact = exact_decisions(PIXELS, labels, norm, eps)
    assert 5 < int(exact.sum()) < 60
    assert torch.equal(found, exact)


def test_margin_is_best_wrong_minus_true():
    logits, labels = torch.tensor([[2.0, 5.0, 1.0], [9.0, 5.0, 1.0]]), torch.tensor([0, 0])
    assert margin(logits, labels).tolist() == [3.0, -4.0]
    expected = torch.log(torch.exp(logits).sum(1)) - logits[:, 0]
    assert torch.allclose(cross_entropy(logits, labels), expected)


def test_step_sizes_are_shares_of_the_radius_or_absolute():
    assert step_length("eps/4", 0.5) == 0.125
    assert step_length("eps", 0.5) == 0.5
    assert step_length("2*eps", 0.5) == 1.0
    assert step_length("1/255", 0.5) == 1 / 255
    for text in ("eps/0", "eps/x", "x*eps", "half"):
        with pytest.raises(SettingsError):
            step_length(text, 0.5)


def test_the_gradient_sums_over_images_so_that_no_step_depends_on_the_batch():
    classifier = tiny_classifier()
    pixels, labels = random_images(8, classifier)
    loss = lambda some, which: cross_entropy(classifier(some), which)  # noqa: E731
    whole = pixel_gradient(lambda x: loss(x, labels), pixels)
    one = pixel_gradient(lambda x: loss(x, labels[:1]), pixels[:1])
    assert torch.allclose(whole[0], one[0], atol=1e-5 * float(one.abs().max()))
    assert all(parameter.grad is None for parameter in classifier.parameters())


def test_the_plain_loop_ends_inside_the_ball_with_a_higher_loss():
    classifier = tiny_classifier()
    pixels, labels = random_images(8, classifier)
    loss = lambda x: cross_entropy(classifier(x), labels)  # noqa: E731
    threat = ThreatModel("linf", 4 / 255)
    found = pgd(loss, pixels, threat, steps=5, step_size=1 / 255, start=pixels)
    assert float((found - pixels).abs().max()) <= 4 / 255 + 1e-6
    assert loss(found).mean().item() > loss(pixels).mean().item()


def test_images_are_dropped_at_their_first_success_and_counts_say_so():
    classifier = tiny_classifier()
    pixels, labels = random_images(30, classifier)
    result = run_attack(classifier, pixels, labels, attack=PGD("x"), eps="4/255")
    for i, status in enumerate(result.status):
        if status == "fooled":
            assert result.forwards[i] == result.iteration[i] + 1
            assert result.backwards[i] == result.forwards[i]
        else:
            assert (result.forwards[i], result.backwards[i]) == (21, 20)
    assert "fooled" in result.status


def test_with_stop_never_every_image_gets_all_steps_and_its_last_iterate():
    classifier = tiny_classifier()
    pixels, labels = random_images(20, classifier)
    labels[:4] = (labels[:4] + 1) % 5
    result = run_attack(classifier, pixels, labels, attack=PGD("x"), eps="4/255", stop="never")
    assert set(result.forwards.tolist()) == {21}
    assert set(result.backwards.tolist()) == {20}
    assert float((result.pixels - pixels).flatten(1).abs().amax(1).min()) > 0
    assert result.status[:4] == ("clean_wrong",) * 4


def test_scoring_the_last_iterate_alone_never_finds_more():
    classifier = tiny_classifier()
    pixels, labels = random_images(40, classifier)
    rates = [
        run_attack(classifier, pixels, labels, attack=PGD("x", iterate=how), eps="0.5/255")
        for how in ("best", "last")
    ]
    assert rates[0].robust_accuracy <= rates[1].robust_accuracy
    assert set(rates[1].forwards.tolist()) == {21}


def test_restarts_attack_only_who_is_left_and_never_lose_a_success():
    classifier = tiny_classifier()
    pixels, labels = random_images(40, classifier)
    one = run_attack(classifier, pixels, labels, attack=PGD("x", steps=3), eps="1/255")
    three = run_attack(
        classifier, pixels, labels, attack=PGD("x", steps=3, restarts=3), eps="1/255"
    )
    for before, after in zip(one.status, three.status, strict=True):
        assert not (before == "fooled" and after == "survived")


def test_a_later_member_sees_only_who_is_left_and_the_winner_is_named():
    classifier = tiny_classifier()
    pixels, labels = random_images(40, classifier)
    result = run_attack(classifier, pixels, labels, attack="pgd-20", eps="2/255")
    first, second = result.members
    for i, winner in enumerate(result.attack):
        if winner == "pgd-ce-20":
            assert not second.ran[i] and second.forwards[i] == 0
        assert first.ran[i]


def test_two_classes_are_enough():
    model = lambda x: linear(x)[:, :2]  # noqa: E731
    labels = model(PIXELS).argmax(1)
    assert run_attack(model, PIXELS, labels, eps="16/255").attack_success_rate > 0


def test_a_gradient_of_zero_is_flagged():
    flat = lambda x: linear(x).detach() + 0 * x.sum()  # noqa: E731
    result = run_attack(flat, PIXELS, linear(PIXELS).argmax(1), attack=PGD("x"), eps="8/255")
    assert all(flags == ("no-progress", "zero-gradient") for flags in result.health)


def test_nan_logits_end_the_run_with_one_clear_message():
    with pytest.raises(RunError, match="NaN"):
        run_attack(lambda x: linear(x) * torch.nan, PIXELS, torch.zeros(60, dtype=torch.int64))


def test_wrong_input_is_named():
    labels = linear(PIXELS).argmax(1)
    with pytest.raises(PixelsError, match=r"lie in \[0, 1\]"):
        run_attack(linear, PIXELS * 3, labels)
    with pytest.raises(PixelsError, match="int64"):
        run_attack(linear, PIXELS, labels.float())
    with pytest.raises(PixelsError, match=r"\[0, 4\)"):
        run_attack(linear, PIXELS, labels + 4)
    with pytest.raises(PixelsError, match="ids holds 1"):
        run_attack(linear, PIXELS, labels, ids=["a"])
    with pytest.raises(SettingsError, match="Unknown precision 'fp16'"):
        run_attack(linear, PIXELS, labels, precision="fp16")  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="Did you mean 'pgd-20'"):
        run_attack(linear, PIXELS, labels, attack="pdg-20")
    with pytest.raises(SettingsError, match="4/255"):
        run_attack(linear, PIXELS, labels, eps=4)


def test_more_than_one_block_is_joined_in_order():
    many = PIXELS.repeat(5, 1, 1, 1)[:280]
    labels = linear(many).argmax(1)
    ids = [str(i % 60) for i in range(280)]
    result = run_attack(linear, many, labels, attack=PGD("x"), eps="6/255", ids=ids)
    assert len(result.status) == 280
    assert result.status[:20] == result.status[240:260]
