import pytest
import torch

from zsrobust.errors import SettingsError
from zsrobust.objectives.catalogue import OBJECTIVES, build_objective
from zsrobust.objectives.logit_scale import scale_of, scaled_logits
from zsrobust.testing.tiny_clip import tiny_classifier

WITHOUT_LOGITS = {"fare", "lore", "sim-clip", "sim-clip-as-released", "adversarial-training"}


def test_every_objective_with_clip_logits_takes_a_scale():
    taking = {
        kind for kind in OBJECTIVES if "logit_scale" in OBJECTIVES[kind].settings.model_fields
    }
    assert taking == set(OBJECTIVES) - WITHOUT_LOGITS


def test_logits_are_cosines_times_the_scale_whatever_the_length_of_an_embedding():
    classifier = tiny_classifier()
    pooled = torch.randn(4, 32, generator=torch.Generator().manual_seed(0))
    unit = pooled / (pooled**2).sum(1, keepdim=True).sqrt()
    for scale, number in (("model", classifier.logit_scale), (7.0, 7.0)):
        assert scale_of(classifier, scale) == number
        expected = number * unit @ classifier.class_embeddings.T
        assert torch.allclose(scaled_logits(classifier, pooled, scale), expected, atol=1e-5)
        assert torch.allclose(scaled_logits(classifier, 9 * pooled, scale), expected, atol=1e-5)


def test_the_bias_of_a_model_changes_no_softmax():
    classifier = tiny_classifier()
    pooled = torch.randn(4, 32, generator=torch.Generator().manual_seed(0))
    classifier.logit_bias = -10.0
    ours = scaled_logits(classifier, pooled, "model").softmax(1)
    assert torch.allclose(ours, classifier.logits(pooled).softmax(1), atol=1e-6)


@pytest.mark.parametrize("scale", [0, -1, ".inf", float("inf"), float("nan"), "learnt"])
def test_a_scale_that_is_no_positive_number_is_refused(scale):
    with pytest.raises(SettingsError, match="logit_scale"):
        build_objective("tecoa", {"logit_scale": scale}, tiny_classifier())


def test_trap_an_evaluation_keeps_the_scale_of_the_model_whatever_the_training_used():
    classifier = tiny_classifier()
    pixels = torch.rand(2, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    before = classifier(pixels)
    build_objective("tecoa", {"logit_scale": 1}, classifier)
    assert torch.equal(classifier(pixels), before)
