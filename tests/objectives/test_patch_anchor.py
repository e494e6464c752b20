import torch
from tests.objectives.drifted import assert_equal_with_gradient, drifted
from tests.objectives.written_maps import apart, attention, dense, token_gradient

TERMS = ("attention_refinement", "attention_constraint")


def written(setting, published):
    """The plain anchor, or TGA-ZSR's l2 of attention to the true text; with its features."""
    student, batch = setting.student, setting.batch
    text = student.class_embeddings[batch.labels]
    with torch.no_grad():
        original = setting.original.features(batch.pixels)
    for pixels in (setting.adversarial, batch.pixels):
        features = student.features(pixels)
        if published:
            maps, reference = attention(features, text), attention(original, text)
            yield apart("l2", dense(maps), dense(reference)), features
        else:
            difference = features.patches - original.patches
            yield (difference**2).sum((1, 2)).sqrt().mean(), features


def test_the_plain_anchor_and_its_gradient_equal_the_equation_written_out():
    setting = drifted("patch-anchor", {"gradient_norm": "own", "alpha": 0.5, "beta": 0.25})
    terms = setting.terms()
    for name, weight, (own, _) in zip(TERMS, (0.5, 0.25), written(setting, False), strict=True):
        assert_equal_with_gradient(terms[name], weight * own, setting.student)


def test_matched_it_pulls_as_firmly_as_text_guided_attention():
    setting = drifted("patch-anchor")
    terms = setting.terms()
    for name, weight, (own, features), (l2, others) in zip(
        TERMS, (0.08, 0.05), written(setting, False), written(setting, True), strict=True
    ):
        factor = (token_gradient(l2, others) / token_gradient(own, features)).detach()
        assert_equal_with_gradient(terms[name], weight * factor * own, setting.student)


def test_patches_are_not_kept_of_every_image():
    setting = drifted("patch-anchor")
    setting.terms()
    assert setting.objective.memory == {} and setting.objective.remember is None
