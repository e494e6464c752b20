import pytest
import torch

from zsrobust.attention.attention_map import attention_map
from zsrobust.attention.catalogue import MAPS
from zsrobust.errors import InputError, PixelsError, UnknownNameError
from zsrobust.models.features import ImageFeatures
from zsrobust.testing.tiny_clip import random_images

GENERATOR = torch.Generator().manual_seed(0)
FEATURES = ImageFeatures(
    torch.randn(2, 5, generator=GENERATOR), torch.randn(2, 6, 5, generator=GENERATOR), (2, 3)
)
TEXT = torch.nn.functional.normalize(torch.randn(2, 5, generator=GENERATOR), dim=1)


def min_max(scores):
    return (scores - scores.min()) / (scores.max() - scores.min())


def test_trap_norm_axis_of_the_released_map_is_that_of_the_tokens_the_pooled_one_included():
    drawn = MAPS["text-guided"](FEATURES, TEXT)
    for b in range(2):
        tokens = torch.cat([FEATURES.pooled[b : b + 1], FEATURES.patches[b]])
        lengths = (tokens**2).sum(0).sqrt()
        scores = torch.stack([(token / lengths * TEXT[b]).sum() for token in FEATURES.patches[b]])
        assert torch.allclose(drawn[b].flatten(), min_max(scores), atol=1e-6)


def test_the_channel_map_is_a_stretched_cosine_and_the_plain_one_is_not_stretched():
    stretched, plain = MAPS["text-guided-channel"](FEATURES, TEXT), MAPS["cosine"](FEATURES, TEXT)
    for b in range(2):
        cosines = torch.stack(
            [(token * TEXT[b]).sum() / token.norm() for token in FEATURES.patches[b]]
        )
        assert torch.allclose(stretched[b].flatten(), min_max(cosines), atol=1e-6)
        assert torch.allclose(plain[b].flatten(), (1 + cosines) / 2, atol=1e-6)


def test_trap_norm_axis_over_tokens_and_over_channels_are_different_maps():
    assert not torch.allclose(
        MAPS["text-guided"](FEATURES, TEXT), MAPS["text-guided-channel"](FEATURES, TEXT), atol=1e-3
    )


@pytest.mark.parametrize("name", MAPS)
def test_maps_lie_in_0_1_on_the_grid_row_by_row(name):
    drawn = MAPS[name](FEATURES, TEXT)
    assert drawn.shape == (2, 2, 3)
    assert float(drawn.min()) >= 0 and float(drawn.max()) <= 1


def test_trap_min_max_of_a_constant_map_gives_zeros_and_a_finite_gradient():
    patches = torch.ones(1, 4, 5, requires_grad=True)
    drawn = MAPS["text-guided"](ImageFeatures(torch.ones(1, 5), patches, (2, 2)), TEXT[:1])
    assert torch.equal(drawn, torch.zeros(1, 2, 2))
    drawn.sum().backward()
    assert torch.isfinite(patches.grad).all()


def test_a_target_is_a_text_a_text_an_image_or_the_class(classifier):
    pixels, _ = random_images(3, classifier)
    labels = torch.tensor([0, 1, 2])
    prompts = [f"a photo of a {classifier.class_names[i]}." for i in labels]
    by_class = attention_map(classifier, pixels, labels)
    assert torch.allclose(by_class, attention_map(classifier, pixels, prompts), atol=1e-5)
    one = attention_map(classifier, pixels, prompts[0])
    assert torch.allclose(one[0], by_class[0], atol=1e-5)
    with pytest.raises(InputError, match="2 texts for 3 images"):
        attention_map(classifier, pixels, ["a", "b"])
    with pytest.raises(UnknownNameError, match="Did you mean 'cosine'"):
        attention_map(classifier, pixels, labels, "cosin")


def test_a_map_is_differentiable_in_the_pixels(classifier):
    pixels, labels = random_images(2, classifier)
    pixels.requires_grad_()
    attention_map(classifier, pixels, labels).square().sum().backward()
    assert float(pixels.grad.abs().max()) > 0


def test_a_cosine_map_stays_in_0_1_where_rounding_would_leave_it():
    text = torch.nn.functional.normalize(torch.rand(50, 33, generator=GENERATOR), dim=1)
    scale = torch.rand(50, 4, 1, generator=GENERATOR) * 3 - 1.5
    drawn = MAPS["cosine"](ImageFeatures(text, scale * text[:, None], (2, 2)), text)
    assert float(drawn.min()) >= 0 and float(drawn.max()) <= 1
    assert torch.allclose(drawn, (scale > 0).float().view(50, 2, 2), atol=1e-6)


def test_trap_norm_axis_the_pooled_token_counts_in_the_norm_over_tokens():
    louder = FEATURES._replace(pooled=FEATURES.pooled * 20)
    for name, moves in (("text-guided", True), ("text-guided-channel", False), ("cosine", False)):
        same = torch.allclose(MAPS[name](louder, TEXT), MAPS[name](FEATURES, TEXT), atol=1e-3)
        assert same is not moves


def test_labels_as_targets_are_checked(classifier):
    pixels, _ = random_images(2, classifier)
    with pytest.raises(PixelsError, match=r"lie in \[0, 5\)"):
        attention_map(classifier, pixels, torch.tensor([0, 5]))
