import math

import pytest
import torch
from tests.objectives.small_batches import same_value_and_gradients

from zsrobust.objectives.contrastive import false_negatives, in_batch_contrast


def random_pairs(count=5, width=7):
    generator = torch.Generator().manual_seed(0)
    pooled = torch.randn(count, width, generator=generator, dtype=torch.float64)
    texts = torch.randn(count, width, generator=generator, dtype=torch.float64)
    return (3 * pooled).requires_grad_(), texts / texts.norm(dim=1, keepdim=True)


def written_out(pooled, texts, scale, left_out, symmetric):
    """The contrast pair by pair."""
    count = len(pooled)
    unit = [row / (row * row).sum().sqrt() for row in pooled]
    z = [[scale * (unit[i] * texts[j]).sum() for j in range(count)] for i in range(count)]
    total = torch.zeros((), dtype=pooled.dtype)
    for i in range(count):
        others = [j for j in range(count) if (i, j) not in left_out]
        to_text = z[i][i] - torch.stack([z[i][j] for j in others]).exp().sum().log()
        others = [j for j in range(count) if (j, i) not in left_out]
        to_image = z[i][i] - torch.stack([z[j][i] for j in others]).exp().sum().log()
        total = total - (0.5 * (to_text + to_image) if symmetric else to_text)
    return total / count


@pytest.mark.parametrize("direction", ["symmetric", "image-to-text"])
@pytest.mark.parametrize("masked", [False, True])
def test_the_contrast_and_its_gradient_equal_the_formula_pair_by_pair(direction, masked):
    pooled, texts = random_pairs()
    pairs = {(0, 3), (3, 0), (1, 4), (4, 1)} if masked else set()
    mask = torch.zeros(5, 5, dtype=torch.bool)
    for pair in pairs:
        mask[pair] = True
    ours = in_batch_contrast(
        pooled, texts, 10.0, left_out=mask if masked else None, direction=direction
    )
    assert ours.shape == (5,)
    theirs = written_out(pooled, texts, 10.0, pairs, direction == "symmetric")
    same_value_and_gradients(ours.mean(), theirs, [pooled])


def test_the_length_of_an_embedding_does_not_count():
    pooled, texts = random_pairs()
    assert torch.allclose(
        in_batch_contrast(pooled, texts, 10.0), in_batch_contrast(pooled * 9, texts, 10.0)
    )


def test_false_negatives_are_pairs_of_two_images_with_one_text():
    found = false_negatives(["crane", "dog", "crane", "cat"])
    assert {tuple(pair) for pair in found.nonzero().tolist()} == {(0, 2), (2, 0)}


def test_trap_duplicate_labels_pull_an_image_away_from_its_own_text_unless_masked():
    pooled, texts = random_pairs(2)
    texts = texts[:1].repeat(2, 1)
    released = in_batch_contrast(pooled, texts, 10.0, direction="image-to-text")
    assert torch.allclose(released, torch.full((2,), math.log(2), dtype=torch.float64))
    masked = in_batch_contrast(
        pooled, texts, 10.0, left_out=false_negatives(["a", "a"]), direction="symmetric"
    )
    assert torch.equal(masked.detach(), torch.zeros(2, dtype=torch.float64))


def test_a_masked_pair_leaves_no_nan_in_the_gradient():
    pooled, texts = random_pairs(3)
    loss = in_batch_contrast(pooled, texts, 10.0, left_out=false_negatives(["a", "a", "a"]))
    (gradient,) = torch.autograd.grad(loss.sum(), pooled)
    assert torch.equal(gradient, torch.zeros_like(gradient))
