import pytest
import torch
from tests.objectives.drifted import assert_equal_with_gradient, drifted, gradient
from tests.objectives.written_maps import apart, attention, dense, token_gradient
from torch.nn.functional import cross_entropy

from zsrobust.attention.catalogue import MAPS
from zsrobust.errors import InputError, ModelError, SettingsError
from zsrobust.objectives.anchor_texts import other_classes, target_texts
from zsrobust.objectives.catalogue import build_objective
from zsrobust.objectives.differentiable_map import carries_gradient
from zsrobust.objectives.matched import matched
from zsrobust.objectives.objective import Batch
from zsrobust.testing.tiny_clip import random_images, tiny_classifier

TERMS = ("attention_refinement", "attention_constraint")


@pytest.fixture(autouse=True)
def _one_code_path():
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    yield
    torch.backends.mha.set_fastpath_enabled(fused)


def detached(features, text):
    return MAPS["cosine"](features, text).detach()


def binary(features, text):
    return (MAPS["cosine"](features, text) > 0.5) * 1.0


def rounded(features, text):
    return MAPS["text-guided"](features, text).round()


def written_terms(setting, texts, distance, stretch=lambda maps: maps):
    """The two terms, and the features on which each depends."""
    student, batch, text = setting.student, setting.batch, texts[setting.batch.labels]
    with torch.no_grad():
        original = attention(setting.original.features(batch.pixels), text)
    terms = []
    for pixels in (setting.adversarial, batch.pixels):
        features = student.features(pixels)
        maps = stretch(dense(attention(features, text)))
        terms.append((apart(distance, maps, stretch(dense(original))), features))
    return terms


@pytest.mark.parametrize("distance", ["l2", "l1", "cos"])
def test_each_distance_at_its_own_scale_equals_the_equations_with_its_gradient(distance):
    setting = drifted("tga-zsr", {"distance": distance, "gradient_norm": "own", "alpha": 2})
    terms = setting.terms()
    texts = setting.student.class_embeddings
    for name, weight, (written, _) in zip(
        TERMS, (2, 0.05), written_terms(setting, texts, distance), strict=True
    ):
        assert_equal_with_gradient(terms[name], weight * written, setting.student)


@pytest.mark.parametrize("distance", ["l1", "cos"])
def test_a_matched_distance_has_its_own_direction_and_the_pull_of_l2(distance):
    setting = drifted("tga-zsr", {"distance": distance})
    terms, texts = setting.terms(), setting.student.class_embeddings
    written = written_terms(setting, texts, distance)
    published = written_terms(setting, texts, "l2")
    for name, weight, (own, features), (l2, others) in zip(
        TERMS, (0.08, 0.05), written, published, strict=True
    ):
        factor = (token_gradient(l2, others) / token_gradient(own, features)).detach()
        assert_equal_with_gradient(terms[name], weight * factor * own, setting.student)
        assert factor > 20, "trap 10: at its own scale the term is nearly off"


@pytest.mark.parametrize("target", ["wrong-text", "random-direction"])
def test_a_placebo_draws_another_text_and_pulls_as_the_true_one(target):
    setting = drifted("tga-zsr", {"target": target})
    terms, true = setting.terms(), setting.student.class_embeddings
    texts = target_texts(setting.student, target).double()
    written = written_terms(setting, texts, "l2")
    published = written_terms(setting, true, "l2")
    for name, weight, (own, features), (l2, others) in zip(
        TERMS, (0.08, 0.05), written, published, strict=True
    ):
        factor = (token_gradient(l2, others) / token_gradient(own, features)).detach()
        assert_equal_with_gradient(terms[name], weight * factor * own, setting.student)


def test_a_placebo_at_its_own_scale_is_not_matched():
    setting = drifted("tga-zsr", {"target": "wrong-text", "gradient_norm": "own"})
    texts = target_texts(setting.student, "wrong-text")
    (written, _), _ = written_terms(setting, texts, "l2")
    assert_equal_with_gradient(
        setting.terms()["attention_refinement"], 0.08 * written, setting.student
    )


def test_trap_the_release_stretches_before_resizing_and_the_paper_after():
    def stretched(maps):
        low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
        return (maps - low) / (high - low)

    setting = drifted("tga-zsr", {"stretch": "pixels"})
    terms = setting.terms()
    written = written_terms(setting, setting.student.class_embeddings, "l2", stretched)
    for name, weight, (own, _) in zip(TERMS, (0.08, 0.05), written, strict=True):
        assert_equal_with_gradient(terms[name], weight * own, setting.student)
    before = drifted("tga-zsr").terms()["attention_refinement"]
    assert terms["attention_refinement"].item() != pytest.approx(before.item(), rel=1e-3)


def test_only_a_matched_term_depends_on_its_batch():
    assert not drifted("tga-zsr").objective.in_batch
    assert not drifted("tga-zsr", {"distance": "l1", "gradient_norm": "own"}).objective.in_batch
    assert drifted("tga-zsr", {"distance": "l1"}).objective.in_batch
    assert drifted("patch-anchor").objective.in_batch


def test_matching_gives_a_term_the_gradient_norm_of_another_and_none_to_one_without():
    features = drifted("tga-zsr").student.features(drifted("tga-zsr").batch.pixels)
    term, reference = features.patches.square().mean(), features.pooled.abs().sum()
    pulled = matched(term, reference, features)
    norm = token_gradient(reference, features)
    assert token_gradient(pulled, features) == pytest.approx(norm.item(), rel=1e-9)
    flat = matched(features.patches.sum() * 0, reference, features)
    assert flat.item() == 0 and token_gradient(flat, features).item() == 0
    silent = matched(term, reference * 0, features)
    assert token_gradient(silent, features).item() == 0


@pytest.mark.parametrize("choice", [{"distance": "cos"}, {"distance": "l1"}, {"target": "text"}])
def test_at_step_0_a_constraint_is_0_and_so_is_its_gradient_matched_or_not(choice):
    classifier = tiny_classifier()
    pixels, labels = random_images(6, classifier)
    objective = build_objective("tga-zsr", choice, classifier)
    batch = Batch(pixels, labels, list("abcdef"))
    constraint = objective.outer_loss(classifier, batch, pixels).terms["attention_constraint"]
    assert constraint.item() == 0
    assert gradient(constraint, classifier).norm() == 0


def test_a_weight_of_0_leaves_its_term_and_its_forward_out():
    plain = drifted("tga-zsr", {"alpha": 0, "beta": 0})
    terms = plain.terms()
    assert list(terms) == ["cross_entropy"] and plain.objective.memory == {}
    written = cross_entropy(plain.student(plain.adversarial), plain.batch.labels)
    assert_equal_with_gradient(terms["cross_entropy"], written, plain.student)
    half = drifted("tga-zsr", {"beta": 0})
    assert list(half.terms()) == ["cross_entropy", "attention_refinement"]


def test_the_logit_scale_is_that_of_the_cross_entropy_and_of_the_attack():
    setting = drifted("tga-zsr", {"logit_scale": 3.0})
    student, labels = setting.student, setting.batch.labels
    scaled = 3.0 * student(setting.adversarial) / student.logit_scale
    assert_equal_with_gradient(
        setting.terms()["cross_entropy"], cross_entropy(scaled, labels), student
    )
    assert torch.allclose(
        setting.inner(setting.adversarial), cross_entropy(scaled, labels, reduction="none")
    )


def test_a_wrong_text_is_never_the_own_one_and_never_a_namesake_s():
    names = ["cat", "crane", "dog", "crane", "bird", "ship"]
    classifier = tiny_classifier(names)
    others = other_classes(classifier)
    assert all(names[other] != name for name, other in zip(names, others, strict=True))
    apart_names = tiny_classifier(["cat", "dog", "bird", "ship", "truck"])
    assert sorted(other_classes(apart_names)) == [0, 1, 2, 3, 4]
    with pytest.raises(InputError, match="no class with another text"):
        other_classes(tiny_classifier(["crane", "crane"]))


def test_random_directions_are_unit_and_a_class_keeps_its_own():
    first = target_texts(tiny_classifier(["cat", "dog"]), "random-direction")
    second = target_texts(tiny_classifier(["dog", "bird", "cat"]), "random-direction")
    assert torch.allclose(first.norm(dim=1), torch.ones(2))
    assert torch.equal(first[0], second[2]) and torch.equal(first[1], second[0])
    assert not torch.allclose(first[0], first[1])


@pytest.mark.parametrize("name", MAPS)
def test_every_map_that_carries_gradient_can_be_trained(name):
    assert carries_gradient(MAPS[name])
    setting = drifted("tga-zsr", {"attention": name})
    for term in TERMS:
        assert gradient(setting.terms()[term], setting.student).norm() > 0


@pytest.mark.parametrize("draw", [detached, binary, rounded])
def test_a_map_without_gradient_is_refused_with_the_reason(draw, monkeypatch):
    monkeypatch.setitem(MAPS.entries, "silent", draw)
    with pytest.raises(SettingsError, match="attention = silent: no gradient passes"):
        build_objective("tga-zsr", {"attention": "silent"}, tiny_classifier())


def test_an_unknown_map_brings_the_nearest_name():
    with pytest.raises(SettingsError, match="Did you mean 'text-guided'"):
        build_objective("tga-zsr", {"attention": "text-guidd"}, tiny_classifier())


def test_trap_the_released_vision_variant_trains_cross_entropy_alone():
    setting = drifted("tga-zsr", {"target": "vision-detached", "alpha": 3, "beta": 5})
    terms = setting.terms()
    assert list(terms) == ["cross_entropy", *TERMS]
    for name in TERMS:
        assert terms[name].item() > 0 and not terms[name].requires_grad
    total = sum(terms.values())
    assert torch.equal(
        gradient(total, setting.student), gradient(terms["cross_entropy"], setting.student)
    )


def test_trap_the_vision_variant_leaves_no_gradient_and_no_hook_behind():
    setting = drifted("tga-zsr", {"target": "vision-detached"})
    norm = setting.student.visual.transformer.resblocks[-1].ln_1
    setting.terms()
    assert all(parameter.grad is None for parameter in setting.student.visual.parameters())
    assert not norm._forward_hooks and not norm._backward_hooks


def grad_cam(classifier, pixels, labels):
    """The released map in writing: the last block by hand, from its first norm on."""
    visual, kept = classifier.visual, []
    block = visual.transformer.resblocks[-1]
    with block.ln_1.register_forward_hook(lambda _m, _i, out: kept.append(out)):
        features = classifier.features(pixels)
    unit = features.pooled / features.pooled.norm(dim=1, keepdim=True)
    every = 100 * unit @ classifier.class_embeddings[labels].T
    best = every.argmax(1)
    score = every[torch.arange(len(labels)), best].sum()
    (slope,) = torch.autograd.grad(score, kept[0])
    weights = slope[:, 1:].mean(1)
    maps = (kept[0][:, 1:].detach() * weights[:, None]).sum(2).clamp_min(0).view(-1, 7, 7)
    maps = dense(maps)
    maps = maps - maps.amin((1, 2), keepdim=True)
    return maps / maps.amax((1, 2), keepdim=True)


def test_the_vision_terms_are_the_released_grad_cam_of_the_best_caption_in_the_batch():
    setting = drifted("tga-zsr", {"target": "vision-detached"})
    labels = setting.batch.labels
    original = grad_cam(setting.original, setting.batch.pixels, labels)
    terms = setting.terms()
    for name, weight, pixels in zip(
        TERMS, (0.08, 0.05), (setting.adversarial, setting.batch.pixels), strict=True
    ):
        written = weight * apart("l2", grad_cam(setting.student, pixels, labels), original)
        assert terms[name].item() == pytest.approx(written.item(), rel=1e-6)


def test_the_vision_variant_takes_no_map_by_name_and_no_other_tower():
    with pytest.raises(SettingsError, match="attention = cosine asks for another"):
        build_objective(
            "tga-zsr", {"target": "vision-detached", "attention": "cosine"}, tiny_classifier()
        )
    from tests.objectives.towers import tower_classifier

    with pytest.raises(ModelError, match="last block of a ViT; this tower is clip-resnet"):
        build_objective("tga-zsr", {"target": "vision-detached"}, tower_classifier("clip-resnet"))
