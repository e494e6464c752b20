import pytest
import torch
from torch.nn.functional import cross_entropy, interpolate

from zsrobust.attention.catalogue import MAPS
from zsrobust.errors import SettingsError, UnknownNameError
from zsrobust.objectives.catalogue import build_objective
from zsrobust.objectives.frozen_maps import FrozenMaps
from zsrobust.objectives.map_distance import DISTANCES
from zsrobust.objectives.objective import Batch
from zsrobust.objectives.tga_zsr import drawn_towards
from zsrobust.objectives.upsampling import bilinear_matrix, gram, upsample
from zsrobust.testing.tiny_clip import random_images, tiny_classifier


@pytest.fixture(autouse=True)
def _one_code_path():
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    yield
    torch.backends.mha.set_fastpath_enabled(fused)


def batch_of(classifier, count=6, repeatable=True):
    pixels, labels = random_images(count, classifier)
    return Batch(pixels, labels, [f"i{i}" for i in range(count)], repeatable)


def text_guided(classifier):
    return drawn_towards("text-guided", ["text"], classifier)[0]


def dense(maps):
    return interpolate(maps[:, None], size=(224, 224), mode="bilinear", align_corners=False)[:, 0]


def test_g_of_a_7_grid_has_the_published_numbers():
    matrix = gram(7)
    expected = torch.diag(torch.tensor([26.664062] + [21.328125] * 5 + [26.664062]))
    off = torch.diag(torch.full((6,), 5.335938), 1)
    assert torch.allclose(matrix, (expected + off + off.T).double(), atol=1e-6)


@pytest.mark.parametrize("size", [7, 14, 16])
def test_the_matrix_upsamples_as_torch_does(size):
    maps = torch.rand(3, size, size)
    assert torch.allclose(upsample(maps), dense(maps), atol=1e-5)
    assert torch.allclose(bilinear_matrix(size).sum(1), torch.ones(224).double())


@pytest.mark.parametrize("grid", [(7, 7), (14, 14), (7, 10)])
def test_l2_through_the_quadratic_form_equals_the_dense_distance(grid):
    a, b = torch.rand(4, *grid).requires_grad_(), torch.rand(4, *grid)
    short = DISTANCES["l2"](a, b)
    long = (dense(a) - dense(b)).flatten(1).norm(dim=1)
    assert torch.allclose(short, long, rtol=1e-5)
    (gradient,) = torch.autograd.grad(short.sum(), a)
    (expected,) = torch.autograd.grad(long.sum(), a)
    assert torch.allclose(gradient, expected, rtol=1e-4, atol=1e-4)


def test_trap_unsquared_norm_has_gradient_zero_where_maps_agree():
    a = torch.rand(2, 7, 7, requires_grad=True)
    assert torch.allclose(
        DISTANCES["l2"](a * 2, torch.zeros(2, 7, 7)), 2 * DISTANCES["l2"](a, torch.zeros(2, 7, 7))
    )
    same = DISTANCES["l2"](a, a.detach())
    (gradient,) = torch.autograd.grad(same.sum(), a)
    assert torch.equal(same, torch.zeros(2))
    assert torch.equal(gradient, torch.zeros(2, 7, 7))


def test_l1_and_cos_equal_their_dense_forms():
    a, b = torch.rand(4, 7, 7), torch.rand(4, 7, 7)
    assert torch.allclose(
        DISTANCES["l1"](a, b), (dense(a) - dense(b)).abs().mean((1, 2)), atol=1e-6
    )
    cosines = torch.nn.functional.cosine_similarity(dense(a).flatten(1), dense(b).flatten(1))
    assert torch.allclose(DISTANCES["cos"](a, b), 1 - cosines, atol=1e-5)


@pytest.mark.parametrize("distance", DISTANCES)
def test_tga_zsr_is_cross_entropy_plus_two_weighted_distances(distance):
    classifier = tiny_classifier()
    batch = batch_of(classifier)
    adversarial = (batch.pixels + 0.03 * torch.randn_like(batch.pixels)).clamp(0, 1)
    settings = {"alpha": 0.3, "beta": 0.7, "distance": distance, "gradient_norm": "own"}
    objective = build_objective("tga-zsr", settings, classifier)
    frozen = MAPS["text-guided"](
        classifier.features(batch.pixels), classifier.class_embeddings[batch.labels]
    ).detach()
    with torch.no_grad():
        for parameter in classifier.visual.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    terms = objective.outer_loss(classifier, batch, adversarial)
    text = classifier.class_embeddings[batch.labels]
    after = MAPS["text-guided"](classifier.features(adversarial), text)
    clean = MAPS["text-guided"](classifier.features(batch.pixels), text)
    apart = DISTANCES[distance]
    assert terms.terms["cross_entropy"].item() == pytest.approx(
        cross_entropy(classifier(adversarial), batch.labels).item(), abs=1e-4
    )
    assert terms.terms["attention_refinement"].item() == pytest.approx(
        0.3 * apart(after, frozen).mean().item(), rel=1e-4
    )
    assert terms.terms["attention_constraint"].item() == pytest.approx(
        0.7 * apart(clean, frozen).mean().item(), rel=1e-4
    )
    assert terms.total.item() == pytest.approx(
        sum(t.item() for t in terms.terms.values()), rel=1e-5
    )


def test_at_step_0_the_constraint_is_exactly_zero():
    classifier = tiny_classifier()
    batch = batch_of(classifier)
    terms = build_objective("tga-zsr", {}, classifier).outer_loss(classifier, batch, batch.pixels)
    assert terms.terms["attention_constraint"].item() == 0.0


def test_gradient_reaches_the_tower_through_attention_alone():
    classifier = tiny_classifier()
    batch = batch_of(classifier)
    moved = (batch.pixels + 0.1 * torch.rand_like(batch.pixels)).clamp(0, 1)
    terms = build_objective("tga-zsr", {}, classifier).outer_loss(classifier, batch, moved)
    terms.terms["attention_refinement"].backward()
    assert any(
        p.grad is not None and p.grad.abs().max() > 0 for p in classifier.visual.parameters()
    )


def test_trap_the_inner_attack_maximises_cross_entropy_and_no_attention_term():
    classifier = tiny_classifier()
    batch = batch_of(classifier)
    for kind in ("tecoa", "tga-zsr"):
        loss = build_objective(kind, {}, classifier).inner_loss(classifier, batch)
        expected = cross_entropy(classifier(batch.pixels), batch.labels, reduction="none")
        assert torch.allclose(loss(batch.pixels), expected)


def test_tecoa_is_cross_entropy_over_all_classes_on_adversarial_images_only():
    classifier = tiny_classifier()
    batch = batch_of(classifier)
    adversarial = batch.pixels.flip(0)
    terms = build_objective("tecoa", {}, classifier).outer_loss(classifier, batch, adversarial)
    logits = classifier(adversarial)
    own = logits.exp() / logits.exp().sum(1, keepdim=True)
    expected = -own[torch.arange(6), batch.labels].log().mean()
    assert list(terms.terms) == ["cross_entropy"]
    assert terms.total.item() == pytest.approx(expected.item(), abs=1e-4)


def test_frozen_maps_are_kept_by_id_and_text_and_never_follow_the_training():
    classifier = tiny_classifier()
    batch = batch_of(classifier)
    frozen = FrozenMaps.of(classifier, text_guided(classifier))
    before = frozen.of_batch(batch)
    with torch.no_grad():
        for parameter in classifier.visual.parameters():
            parameter.zero_()
    assert torch.equal(frozen.of_batch(batch), before)
    assert len(frozen.kept) == 6
    other = Batch(batch.pixels, (batch.labels + 1) % 5, batch.ids)
    assert not torch.equal(frozen.of_batch(other), before)
    assert len(frozen.kept) == 12
    assert all(parameter.requires_grad for parameter in classifier.visual.parameters())


def test_under_a_random_transform_frozen_maps_are_neither_kept_nor_looked_up():
    classifier = tiny_classifier()
    batch = batch_of(classifier, repeatable=False)
    frozen = FrozenMaps.of(classifier, text_guided(classifier))
    first = frozen.of_batch(batch)
    moved = Batch(batch.pixels.flip(3), batch.labels, batch.ids, repeatable=False)
    assert frozen.kept == {}
    assert not torch.equal(frozen.of_batch(moved), first)


def test_wrong_settings_are_named():
    classifier = tiny_classifier()
    with pytest.raises(SettingsError, match="unknown key 'gamma'"):
        build_objective("tga-zsr", {"gamma": 1}, classifier)
    with pytest.raises(SettingsError, match="alpha = -1"):
        build_objective("tga-zsr", {"alpha": -1}, classifier)
    with pytest.raises(UnknownNameError, match="Did you mean 'tecoa'"):
        build_objective("tekoa", {}, classifier)


def test_a_flat_map_has_no_direction_and_its_cosine_distance_no_gradient():
    flat, other = torch.zeros(1, 7, 7, requires_grad=True), torch.rand(1, 7, 7)
    distance = DISTANCES["cos"](flat, other)
    (gradient,) = torch.autograd.grad(distance.sum(), flat)
    assert distance.item() == 1.0
    assert torch.equal(gradient, torch.zeros(1, 7, 7))


@pytest.mark.parametrize("name", ["l1", "cos"])
@pytest.mark.parametrize("grid", [(14, 14), (7, 10)])
def test_gradients_of_l1_and_cos_equal_their_dense_forms(name, grid):
    a, b = torch.rand(3, *grid).requires_grad_(), torch.rand(3, *grid)
    up_a, up_b = dense(a), dense(b)
    if name == "l1":
        long = (up_a - up_b).abs().mean((1, 2))
    else:
        long = 1 - torch.nn.functional.cosine_similarity(up_a.flatten(1), up_b.flatten(1))
    (gradient,) = torch.autograd.grad(DISTANCES[name](a, b).sum(), a)
    (expected,) = torch.autograd.grad(long.sum(), a)
    assert torch.allclose(gradient, expected, rtol=1e-3, atol=1e-5)


def gradients(total, classifier):
    return torch.autograd.grad(total, list(classifier.visual.parameters()), allow_unused=True)


def written_out(classifier, frozen, batch, adversarial, alpha, beta):
    """TGA-ZSR from its equations: dense maps of 224 x 224, no code of ours but the tower's."""

    def attention(pixels):
        features = classifier.features(pixels)
        tokens = torch.cat([features.pooled[:, None], features.patches], 1)
        unit = tokens / (tokens**2).sum(1, keepdim=True).sqrt()
        text = classifier.class_embeddings[batch.labels]
        scores = (unit[:, 1:] * text[:, None]).sum(2)
        low, high = scores.amin(1, keepdim=True), scores.amax(1, keepdim=True)
        return dense(((scores - low) / (high - low)).view(-1, 7, 7))

    def away(maps):
        return ((maps - dense(frozen)) ** 2).sum((1, 2)).sqrt().mean()

    logits = classifier(adversarial)
    log_sum = logits.logsumexp(1)
    plain = (log_sum - logits.gather(1, batch.labels[:, None])[:, 0]).mean()
    return plain + alpha * away(attention(adversarial)) + beta * away(attention(batch.pixels))


def test_tga_zsr_and_its_gradient_equal_the_equations_written_out():
    torch.manual_seed(0)
    classifier = tiny_classifier()
    batch = batch_of(classifier)
    adversarial = (batch.pixels + 0.03 * torch.randn_like(batch.pixels)).clamp(0, 1)
    objective = build_objective("tga-zsr", {"alpha": 0.3, "beta": 0.7}, classifier)
    frozen = MAPS["text-guided"](
        classifier.features(batch.pixels), classifier.class_embeddings[batch.labels]
    ).detach()
    with torch.no_grad():
        for parameter in classifier.visual.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    ours = objective.outer_loss(classifier, batch, adversarial).total
    theirs = written_out(classifier, frozen, batch, adversarial, 0.3, 0.7)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-5)
    for mine, written in zip(
        gradients(ours, classifier), gradients(theirs, classifier), strict=True
    ):
        assert torch.allclose(
            mine, written, rtol=1e-3, atol=1e-5 * float(written.abs().max()) + 1e-6
        )


def test_trap_nothing_is_detached_both_maps_of_the_trained_model_carry_gradient():
    torch.manual_seed(0)
    classifier = tiny_classifier()
    batch = batch_of(classifier)
    objective = build_objective("tga-zsr", {}, classifier)
    with torch.no_grad():
        classifier.visual.proj.add_(0.05 * torch.randn_like(classifier.visual.proj))
    terms = objective.outer_loss(classifier, batch, batch.pixels.flip(3)).terms
    for name in ("attention_refinement", "attention_constraint"):
        (gradient,) = torch.autograd.grad(terms[name], classifier.visual.proj, retain_graph=True)
        assert float(gradient.abs().max()) > 0
