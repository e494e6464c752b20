import pytest
import torch

from zsrobust.attacks.measuring import measuring
from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.objectives.catalogue import build_objective
from zsrobust.objectives.map_distance import DENSE_DISTANCES, DISTANCES
from zsrobust.objectives.objective import Batch
from zsrobust.testing.tiny_clip import CONFIG, random_images, tiny_clip
from zsrobust.training.trainable.catalogue import adapt
from zsrobust.training.trainable.settings import LastBlocks, LastTensors, LinearProbe, Tower

# As wide as it takes for torch to multiply otherwise where a weight asks for no gradient.
TOWER = {"image_size": 224, "patch_size": 32, "width": 256, "head_width": 64, "layers": 1}


def test_trap_unsquared_norm_before_the_first_update_is_0_to_the_bit_and_has_no_gradient():
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


@pytest.mark.parametrize(
    "trainable", [Tower(), LastTensors(n=2), LastBlocks(n=1), LinearProbe()], ids=str
)
@pytest.mark.parametrize("distance", ["l2", "l1"])
def test_trap_unsquared_norm_does_not_pull_by_rounding_on_maps_kept_from_another_batch(
    trainable, distance
):
    """Kept maps come from the batch, or the cache, that saw the image first: other last bits."""
    base = tiny_clip(config={**CONFIG, "vision_cfg": TOWER})
    settings = {"alpha": 0.0, "beta": 1.0, "distance": distance, "gradient_norm": "own"}
    original = classifier_of(base, ["cat", "dog"])
    objective = build_objective("tga-zsr", settings, original)
    student = classifier_of(adapt(base, trainable, 0), ["cat", "dog"])
    pixels, labels = random_images(8, original)
    ids = [f"image {i}" for i in range(8)]
    weights = [p for p in student.visual.parameters() if p.requires_grad]
    with measuring(student):
        objective.remember(Batch(pixels, labels, ids))
        for rows in (slice(0, 1), slice(1, 4), slice(0, 8)):
            batch = Batch(pixels[rows], labels[rows], ids[rows])
            terms = objective.outer_loss(student, batch, pixels[rows]).terms
            constraint = terms["attention_constraint"]
            gradients = torch.autograd.grad(constraint, weights, allow_unused=True)
            assert constraint.item() == 0.0
            assert all(not each.any() for each in gradients if each is not None)


@pytest.mark.parametrize("distances", [DISTANCES, DENSE_DISTANCES], ids=["tokens", "dense"])
@pytest.mark.parametrize("name", ["l1", "l2"])
def test_trap_unsquared_norm_sees_what_is_larger_than_rounding(distances, name):
    """A thousandth of what an 8-bit picture could show is still a distance, and in full."""
    a = torch.rand(2, 224, 224) if distances is DENSE_DISTANCES else torch.rand(2, 7, 7)
    b = (a + 4e-6).requires_grad_()
    apart = distances[name](b, a)
    expected = 4e-6 * (224 if name == "l2" else 1)
    assert apart.tolist() == pytest.approx([expected] * 2, rel=0.05)
    assert torch.autograd.grad(apart.sum(), b)[0].abs().min() > 0
