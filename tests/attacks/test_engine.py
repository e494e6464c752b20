"""What `run_attack` refuses, counts and promises, on models small enough to follow by hand."""

import pytest
import torch
from torch import nn

from zsrobust.attacks.batches import in_batches, padded, width
from zsrobust.attacks.pgd import PGD
from zsrobust.attacks.run_attack import run_attack
from zsrobust.attacks.square import Square
from zsrobust.attacks.step_size import step_length
from zsrobust.errors import ModelError, PixelsError, RunError, SettingsError
from zsrobust.testing.tiny_clip import random_images, tiny_classifier

GENERATOR = torch.Generator().manual_seed(5)
WEIGHT = torch.randn(4, 3 * 6 * 6, generator=GENERATOR) / 10
PIXELS = 0.3 + 0.4 * torch.rand(300, 3, 6, 6, generator=GENERATOR)
IDS = [f"image-{i}" for i in range(300)]


def linear(pixels):
    return pixels.flatten(1) @ WEIGHT.T


def brightness(pixels):
    """Class 1 where the mean pixel exceeds 1/2: a decision that can be followed by hand."""
    over = 20 * (pixels.mean((1, 2, 3)) - 0.5)
    return torch.stack([torch.zeros_like(over), over], 1)


def grey(*levels):
    return torch.stack([torch.full((3, 4, 4), level) for level in levels])


def test_counts_of_a_case_that_can_be_followed_by_hand():
    """Steps of 0.02 from near 0.5 - d; the start's mean is clean up to noise / sqrt(48)."""
    pixels = grey(0.45, 0.1, 0.9)
    labels = torch.tensor([0, 0, 0])
    attack = PGD("x", steps=6, step_size="0.02")
    result = run_attack(brightness, pixels, labels, attack=attack, eps=0.08, ids=["a", "b", "c"])
    assert result.status == ("fooled", "survived", "clean_wrong")
    assert result.attack == ("x", "", "")
    took = int(result.iteration[0])
    assert 1 <= took <= 5
    assert result.iteration.tolist() == [took, -1, -1]
    assert result.forwards.tolist() == [took + 1, 7, 0]
    assert result.backwards.tolist() == [took + 1, 6, 0]
    assert result.distance[2] == 0
    assert result.distance[1] == pytest.approx(0.08, abs=1e-6)
    assert result.robust_accuracy == pytest.approx(1 / 3)
    assert result.attack_success_rate == pytest.approx(1 / 2)
    assert result.members[0].ran.tolist() == [True, True, False]


@pytest.mark.parametrize("stop", ["first", "never"])
def test_other_order_same_bytes_across_blocks_and_batches(stop):
    labels = linear(PIXELS).argmax(1)
    labels[::7] = (labels[::7] + 1) % 4
    order = torch.randperm(300, generator=torch.Generator().manual_seed(1))
    attack = (PGD("a", steps=4), PGD("b", loss="margin", steps=3, restarts=2))
    arguments = {"attack": attack, "eps": "4/255", "batch_size": 48, "stop": stop}
    one = run_attack(linear, PIXELS, labels, ids=IDS, **arguments)
    moved = [IDS[i] for i in order]
    two = run_attack(linear, PIXELS[order], labels[order], ids=moved, **arguments)
    assert one.status.count("fooled") > 10
    for name in ("pixels", "margins", "loss", "distance", "iteration", "forwards", "backwards"):
        assert torch.equal(getattr(two, name), getattr(one, name)[order]), name
    for name in ("status", "attack", "health"):
        assert getattr(two, name) == tuple(getattr(one, name)[i] for i in order), name
    for mine, theirs in zip(two.members, one.members, strict=True):
        assert mine.name == theirs.name
        assert torch.equal(mine.ran, theirs.ran[order])
        assert torch.equal(mine.margin, theirs.margin[order])


def test_a_classifier_sees_the_same_batches_whatever_the_order():
    """By position the first block of 256 would change with the order; by id it does not."""
    labels = linear(PIXELS).argmax(1)
    runs = []
    for order in (list(range(300)), list(range(300))[::-1]):
        seen = []

        def watch(pixels, seen=seen):
            seen.append(pixels.detach().clone())
            return linear(pixels)

        ids = [IDS[i] for i in order]
        run_attack(watch, PIXELS[order], labels[order], attack=PGD("x", steps=2), ids=ids)
        runs.append(seen)
    assert len(runs[0]) == len(runs[1])
    assert all(torch.equal(a, b) for a, b in zip(*runs, strict=True))


def test_the_shapes_of_a_block_do_not_depend_on_what_else_is_attacked():
    labels = linear(PIXELS).argmax(1)

    def shapes(count):
        seen = []
        run_attack(
            lambda x: seen.append(len(x)) or linear(x),
            PIXELS[:count],
            labels[:count],
            attack=PGD("x", steps=5),
            eps="6/255",
            ids=sorted_ids()[:count],
            batch_size=32,
        )
        return seen

    alone, together = shapes(256), shapes(300)
    assert together[: len(alone)] == alone
    assert set(together) <= {1, 2, 4, 8, 16, 24, 32}


def sorted_ids():
    """The ids in the order in which they are worked through."""
    from zsrobust.randomness import hash_order

    return [IDS[i] for i in hash_order(IDS)]


def test_padding_repeats_an_image_of_the_batch_up_to_the_next_shape():
    cpu, counts = torch.device("cpu"), (1, 2, 3, 8, 9, 33, 65, 100)
    assert padded(torch.arange(5), width(5, 64, cpu)).tolist() == [0, 1, 2, 3, 4, 0, 0, 0]
    assert [width(n, 100, cpu) for n in counts] == [1, 2, 4, 8, 16, 40, 72, 100]
    assert width(3, 4, cpu) == 4


def test_off_the_cpu_shapes_are_powers_of_two_or_the_batch():
    counts = (1, 8, 9, 33, 65)
    assert [width(n, 100, torch.device("meta")) for n in counts] == [8, 8, 16, 64, 100]
    assert width(3, 4, torch.device("meta")) == 4


def test_on_a_cpu_queries_of_rows_that_have_settled_are_padded_no_more():
    """Eleven images that nothing fools: sixteen looks at sixteen rows, then at eleven."""
    labels = linear(PIXELS[:11]).argmax(1)

    def widths(attack):
        seen = []
        run_attack(
            lambda x: seen.append(len(x)) or linear(x),
            PIXELS[:11],
            labels,
            attack=attack,
            eps=0,
            batch_size=32,
        )
        return seen

    assert widths(Square("square", queries=30)).count(11) == 31 - 16
    assert widths(PGD("pgd", steps=30)).count(16) > 30


def test_rows_come_back_as_if_from_one_call():
    assert torch.allclose(in_batches(linear, PIXELS[:70], 32), linear(PIXELS[:70]), atol=1e-6)


def test_misclassified_images_get_no_forward_in_any_member():
    labels = (linear(PIXELS[:40]).argmax(1) + 1) % 4
    seen = []
    result = run_attack(
        lambda x: seen.append(len(x)) or linear(x), PIXELS[:40], labels, batch_size=64
    )
    clean_pass_and_three_probes = 4
    assert len(seen) == clean_pass_and_three_probes
    assert set(result.forwards.tolist()) == {0}
    assert all(not bool(member.ran.any()) for member in result.members)
    assert torch.equal(result.pixels, PIXELS[:40])


def test_success_holds_on_the_very_pixels_that_are_returned():
    classifier = tiny_classifier()
    pixels, labels = random_images(30, classifier)
    result = run_attack(classifier, pixels, labels, eps="2/255")
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad():
            logits = classifier(result.pixels)
    finally:
        torch.backends.mha.set_fastpath_enabled(True)
    assert torch.equal(logits.argmax(1), result.predictions)
    wrong = [status != "survived" for status in result.status]
    assert (logits.argmax(1) != labels).tolist() == wrong


def test_decisions_agree_across_batch_sizes():
    classifier = tiny_classifier()
    pixels, labels = random_images(200, classifier)
    attack = PGD("x", steps=5)
    one, two = (
        run_attack(classifier, pixels, labels, attack=attack, batch_size=size) for size in (64, 24)
    )
    same = [a == b for a, b in zip(one.status, two.status, strict=True)]
    assert sum(same) >= 0.995 * len(same)


def test_scoring_the_last_iterate_misses_a_success_on_the_way():
    """Wrong only in a band of brightness that the steps cross; the gradient leads on beyond it."""

    def band(pixels):
        level = pixels.mean((1, 2, 3))
        inside = ((level > 0.515) & (level < 0.56)).float() * 2 - 1
        return torch.stack([0 * level, inside + 10 * (level - level.detach())], 1)

    best, last = (
        run_attack(
            band,
            grey(0.5),
            torch.tensor([0]),
            attack=PGD("x", steps=9, step_size="0.02", iterate=how),
            eps=0.1,
        )
        for how in ("best", "last")
    )
    assert (best.status, last.status) == (("fooled",), ("survived",))
    assert (float(best.margins[0]), float(last.margins[0])) == (1.0, -1.0)
    assert best.forwards[0] < last.forwards[0] == 10


def test_a_success_by_a_tie_is_returned_although_its_margin_is_zero():
    """Class 0 ties with the true class 1 once pixels move: `argmax` then says 0 at margin 0."""

    def tie(pixels):
        moved = (pixels - 0.5).abs().amax((1, 2, 3)) > 1e-4
        flat = 0 * pixels.sum((1, 2, 3))
        zero = torch.where(moved, flat, flat - 1.0)
        return torch.stack([zero, flat, flat], 1)

    result = run_attack(tie, grey(0.5), torch.tensor([1]), attack=PGD("x"), eps="8/255")
    assert result.status == ("fooled",)
    assert result.predictions.tolist() == [0]
    assert float(result.distance[0]) > 0


class Noisy(nn.Module):
    """Batch norm and dropout: in training mode both would change what is measured."""

    def __init__(self):
        super().__init__()
        self.norm, self.drop = nn.BatchNorm2d(3), nn.Dropout(0.5)
        self.head = nn.Linear(108, 4)

    def forward(self, pixels):
        return self.head(self.drop(self.norm(pixels).flatten(1)))


def test_a_model_in_training_mode_is_measured_in_eval_mode_and_left_as_it_was():
    torch.manual_seed(0)
    model = Noisy()
    model.drop.eval()
    model.head.bias.requires_grad_(False)
    state = {key: value.clone() for key, value in model.state_dict().items()}
    labels = linear(PIXELS[:20]).argmax(1)
    for _ in range(2):
        run_attack(model, PIXELS[:20], labels, attack=PGD("x", steps=3), eps="8/255")
    assert [m.training for m in model.modules()] == [True, True, False, True]
    assert all(torch.equal(model.state_dict()[key], value) for key, value in state.items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert [p.requires_grad for p in model.parameters()] == [True, True, True, False]
    assert torch.backends.mha.get_fastpath_enabled()


def test_what_was_changed_for_measuring_is_put_back_after_a_fault():
    model = Noisy()
    with torch.no_grad():
        model.head.weight.fill_(float("nan"))
    with pytest.raises(RunError, match="NaN"):
        run_attack(model, PIXELS[:4], torch.zeros(4, dtype=torch.int64))
    assert model.training
    assert torch.backends.mha.get_fastpath_enabled()


def test_attacks_run_in_fp32_under_a_callers_autocast_too():
    classifier = tiny_classifier()
    pixels, labels = random_images(8, classifier)
    outside = run_attack(classifier, pixels, labels, attack=PGD("x", steps=3))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = run_attack(classifier, pixels, labels, attack=PGD("x", steps=3))
        assert torch.is_autocast_enabled("cpu")
    assert torch.equal(inside.pixels, outside.pixels)
    assert torch.equal(inside.margins, outside.margins)


def test_random_numbers_of_the_caller_are_left_alone():
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    run_attack(linear, PIXELS[:8], linear(PIXELS[:8]).argmax(1))
    assert torch.equal(torch.rand(3), expected)


def test_a_model_that_hides_its_gradient_is_refused_and_not_called_robust():
    labels = linear(PIXELS[:8]).argmax(1)
    with pytest.raises(RunError, match="No gradient reaches the pixels"):
        run_attack(lambda x: linear(x.detach()), PIXELS[:8], labels)
    with pytest.raises(RunError, match="gradient in the pixels is NaN"):
        run_attack(lambda x: linear(x) + (x.sum() * 0).sqrt(), PIXELS[:8], labels)


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (lambda x: linear(x)[:, :1], r"\(8, 1\)"),
        (lambda x: linear(x)[:, 0], r"\(8,\)"),
        (lambda x: linear(x)[:3], r"\(3, 4\)"),
    ],
)
def test_logits_of_another_shape_are_named(model, shape):
    with pytest.raises(ModelError, match=f"at least two classes.*{shape}"):
        run_attack(model, PIXELS[:8], torch.zeros(8, dtype=torch.int64))


def test_settings_that_mean_nothing_are_refused():
    labels = linear(PIXELS[:8]).argmax(1)
    for wrong, said in (
        ({"stop": "frist"}, "Unknown stop 'frist'. Did you mean 'first'"),
        ({"batch_size": 0}, "batch_size = 0"),
        ({"batch_size": -1}, "batch_size = -1"),
        ({"attack": ()}, "cascade is empty"),
        ({"norm": "l3"}, "Unknown norm 'l3'"),
    ):
        with pytest.raises(SettingsError, match=said):
            run_attack(linear, PIXELS[:8], labels, **wrong)
    with pytest.raises(PixelsError, match="floating point"):
        run_attack(linear, (PIXELS[:8] > 0.5).long(), labels)
    with pytest.raises(PixelsError, match="Pass unnormalised pixels"):
        run_attack(linear, PIXELS[:8] - 1, labels)
    with pytest.raises(PixelsError):
        run_attack(linear, PIXELS[:0], labels[:0])
    for step in ("eps/-4", "nan*eps", "0", "0*eps", "eps/inf"):
        with pytest.raises(SettingsError, match="step_size"):
            step_length(step, 0.1)
    with pytest.raises(SettingsError, match="at least 1 each"):
        PGD("x", steps=0)


def test_a_radius_of_zero_fools_nobody_and_moves_nothing():
    labels = linear(PIXELS[:8]).argmax(1)
    for norm in ("linf", "l2"):
        result = run_attack(linear, PIXELS[:8], labels, eps=0, norm=norm)
        assert set(result.status) == {"survived"}
        assert torch.equal(result.pixels, PIXELS[:8])
