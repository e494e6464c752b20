import torch

from zsrobust.attacks.measuring import measuring
from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.objectives.catalogue import build_objective
from zsrobust.objectives.objective import Batch
from zsrobust.testing.tiny_clip import CONFIG, random_images, tiny_clip

# As wide as it takes for torch to multiply otherwise where a weight asks for no gradient.
TOWER = {"image_size": 224, "patch_size": 32, "width": 256, "head_width": 64, "layers": 1}


def test_before_the_first_update_the_clean_term_is_0_to_the_bit_and_has_no_gradient():
    """The norm is unsquared: a difference by rounding alone would have a gradient of full size."""
    classifier = classifier_of(tiny_clip(config={**CONFIG, "vision_cfg": TOWER}), ["cat", "dog"])
    objective = build_objective("tga-zsr", {"alpha": 0.0}, classifier)
    pixels, labels = random_images(2, classifier)
    with measuring(classifier):
        terms = objective.outer_loss(classifier, Batch(pixels, labels, ["a", "b"]), pixels).terms
    constraint = terms["attention_constraint"]
    assert constraint.item() == 0.0
    gradients = torch.autograd.grad(
        constraint, list(classifier.visual.parameters()), allow_unused=True
    )
    assert all(not each.any() for each in gradients if each is not None)
