import pytest
import torch
from tests.objectives.drifted import (
    assert_equal_with_gradient,
    cosines,
    drifted,
    embedded,
    gradient,
    own_class,
    softmax,
)

from zsrobust.objectives.catalogue import build_objective, learns_from
from zsrobust.objectives.caw import CawSettings
from zsrobust.objectives.objective import Batch
from zsrobust.testing.tiny_clip import random_images, tiny_classifier
from zsrobust.training.recipe import load_recipe
from zsrobust.training.recipe_comments import recipe_comments


def written_out(setting, alpha, beta, weight, scale):
    """CAW's three terms from its equation."""
    labels, student, original = setting.batch.labels, setting.student, setting.original
    attacked = softmax(scale * cosines(student, setting.adversarial))
    with torch.no_grad():
        clean = softmax(scale * cosines(original, setting.batch.pixels))
        before = embedded(original, setting.adversarial)
    unsure = 1 - own_class(attacked, labels)
    if weight == "detached":
        unsure = unsure.detach()
    kl = (attacked * (attacked.log() - clean.log())).sum(1)
    apart = ((embedded(student, setting.adversarial) - before) ** 2).sum(1).sqrt()
    return {
        "cross_entropy": -own_class(attacked, labels).log().mean(),
        "weighted_divergence": alpha * (unsure * kl).mean(),
        "embedding_distance": beta * apart.mean(),
    }


@pytest.mark.parametrize("weight", ["detached", "trained"])
@pytest.mark.parametrize("scale", [1.0, 20.0])
def test_each_term_of_caw_and_its_gradient_equal_the_equation_written_out(weight, scale):
    chosen = {"alpha": 0.3, "beta": 0.7, "weight": weight}
    setting = drifted("caw", {**chosen, "logit_scale": scale})
    ours, theirs = setting.terms(), written_out(setting, scale=scale, **chosen)
    assert list(ours) == list(theirs)
    for name, term in ours.items():
        assert_equal_with_gradient(term, theirs[name], setting.student)


def test_model_scale_means_the_models_own_in_loss_and_attack():
    setting = drifted("caw")
    scale = setting.student.logit_scale
    theirs = written_out(setting, 1.0, 1.0, "detached", scale)
    for name, term in setting.terms().items():
        assert term.item() == pytest.approx(theirs[name].item())
    probabilities = softmax(scale * cosines(setting.student, setting.adversarial))
    plain = -own_class(probabilities, setting.batch.labels).log()
    assert torch.allclose(setting.inner(setting.adversarial), plain, rtol=1e-5)


def test_trap_kl_direction_is_adversarial_first():
    setting = drifted("caw")
    scale = setting.student.logit_scale
    attacked = softmax(scale * cosines(setting.student, setting.adversarial))
    clean = softmax(scale * cosines(setting.original, setting.batch.pixels))
    swapped = (clean * (clean.log() - attacked.log())).sum(1)
    weighed = ((1 - own_class(attacked, setting.batch.labels)) * swapped).mean()
    ours = setting.terms()["weighted_divergence"].item()
    assert ours != pytest.approx(weighed.item(), rel=1e-2)


def test_trap_the_weight_is_of_each_image_and_not_of_the_batch():
    setting = drifted("caw")
    scale = setting.student.logit_scale
    attacked = softmax(scale * cosines(setting.student, setting.adversarial))
    clean = softmax(scale * cosines(setting.original, setting.batch.pixels))
    kl = (attacked * (attacked / clean).log()).sum(1)
    means = (1 - own_class(attacked, setting.batch.labels)).mean() * kl.mean()
    ours = setting.terms()["weighted_divergence"].item()
    assert ours != pytest.approx(means.item(), rel=1e-3)


def test_trap_a_detached_weight_gives_the_same_value_and_another_gradient():
    assert CawSettings().weight == "detached"
    detached, trained = drifted("caw"), drifted("caw", {"weight": "trained"})
    ours, theirs = (s.terms()["weighted_divergence"] for s in (detached, trained))
    assert ours.item() == pytest.approx(theirs.item())
    assert not torch.allclose(
        gradient(ours, detached.student), gradient(theirs, trained.student), rtol=1e-3
    )


def test_trap_the_prediction_is_held_to_the_clean_image_and_the_embedding_to_the_adversarial_one():
    setting = drifted("caw", drift=0.0)
    terms = setting.terms()
    assert terms["weighted_divergence"].item() > 1e-3
    assert terms["embedding_distance"].item() == 0
    same = setting.objective.outer_loss(setting.student, setting.batch, setting.batch.pixels)
    assert same.terms["weighted_divergence"].item() == pytest.approx(0, abs=1e-10)


def test_trap_unsquared_norm_before_the_first_update_does_not_pull_by_rounding():
    """Every image is then at distance zero but for rounding; written plainly, the norm pulls."""
    setting = drifted("caw", drift=0.0)
    naive = written_out(setting, 1.0, 1.0, "detached", 1.0)["embedding_distance"]
    assert float(gradient(naive, setting.student).norm()) > 0.1
    ours = gradient(setting.terms()["embedding_distance"], setting.student)
    assert ours.count_nonzero() == 0


def test_trap_unsquared_norm_at_distance_zero_has_gradient_zero_and_not_nan():
    classifier = tiny_classifier()
    with torch.no_grad():
        classifier.visual.proj.zero_()  # all embeddings are exactly 0
    pixels, labels = random_images(4, classifier)
    batch = Batch(pixels, labels, [f"i{i}" for i in range(4)])
    naive = (embedded(classifier, pixels) ** 2).sum(1).sqrt().mean()
    assert gradient(naive, classifier).isnan().any()
    objective = build_objective("caw", {}, classifier)
    terms = objective.outer_loss(classifier, batch, pixels)
    assert gradient(terms.terms["embedding_distance"], classifier).count_nonzero() == 0
    assert gradient(terms.total, classifier).isfinite().all()


@pytest.mark.parametrize(("relative", "pulls"), [(1e-7, False), (1e-4, True)])
def test_trap_unsquared_norm_does_not_pull_where_embeddings_differ_by_rounding(relative, pulls):
    classifier = tiny_classifier()
    pixels, labels = random_images(4, classifier)
    batch = Batch(pixels, labels, [f"i{i}" for i in range(4)])
    objective = build_objective("caw", {}, classifier)
    with torch.no_grad():
        classifier.visual.proj.mul_(1 + relative)
    term = objective.outer_loss(classifier, batch, pixels).terms["embedding_distance"]
    assert (term.item() > 0) is pulls
    assert (float(gradient(term, classifier).norm()) > 0.1) is pulls


def test_trap_embeddings_are_not_normalised():
    setting = drifted("caw")
    before = setting.terms()["embedding_distance"].item()
    with torch.no_grad():
        setting.student.visual.proj.mul_(3)
    assert setting.terms()["embedding_distance"].item() > 1.5 * before


def test_a_weight_that_is_not_finite_is_not_hidden():
    setting = drifted("caw")
    with torch.no_grad():
        setting.student.visual.proj.fill_(torch.nan)
    assert all(term.isnan() for term in setting.terms().values())


def test_cost_is_one_forward_shared_by_all_terms_and_the_clean_reference_once():
    setting = drifted("caw")
    setting.inner()
    setting.terms()
    setting.terms()
    step = [(True, 6), (False, 6)]
    assert setting.calls == [(True, 6), *step, (False, 6), *step]


def test_a_confident_model_has_a_finite_gradient():
    setting = drifted("caw", {"logit_scale": 1e4, "weight": "trained"})
    total = torch.stack(list(setting.terms().values())).sum()
    assert gradient(total, setting.student).isfinite().all()


def test_caw_needs_labels():
    assert learns_from("caw", {}) == "labels"


def test_the_recipe_holds_what_is_published_and_says_what_is_ours():
    caw = load_recipe("caw")
    assert (caw.attack.eps, caw.attack.steps) == ("1/255", 2)
    said = recipe_comments("caw")["objective.settings"]
    assert "alpha and beta: ours" in said and "weight: ours" in said
    assert caw.objective.settings == CawSettings().model_dump()
