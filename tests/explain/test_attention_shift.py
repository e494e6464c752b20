import numpy as np
import pytest
import torch

from zsrobust.explain.attention_shift import map_shift, measure_attention, share_in_mask
from zsrobust.explain.save import save_attention
from zsrobust.testing.tiny_clip import random_images, tiny_classifier


def test_a_map_that_stays_has_moved_by_0_and_one_that_shares_nothing_by_1():
    left, right = torch.zeros(1, 2, 2), torch.zeros(1, 2, 2)
    left[0, :, 0], right[0, :, 1] = 1, 1
    assert map_shift(left, left * 3).item() == pytest.approx(0, abs=1e-6)
    assert map_shift(left, right).item() == pytest.approx(1)


def test_the_share_in_the_mask_counts_tokens_by_how_much_the_mask_covers():
    maps = torch.tensor([[[1.0, 1.0], [2.0, 0.0]]])
    mask = torch.zeros(1, 8, 8, dtype=torch.bool)
    mask[:, :4, :4] = True
    mask[:, 4:, :2] = True
    assert share_in_mask(maps, mask).item() == pytest.approx((1 + 2 * 0.5) / 4)
    assert share_in_mask(torch.zeros(1, 2, 2), mask).item() == pytest.approx(mask.float().mean())


def measured(**options):
    classifier = tiny_classifier()
    pixels, labels = random_images(12, classifier)
    ids = [f"i{i}" for i in range(12)]
    shift = measure_attention(classifier, pixels, labels, ids, eps=4 / 255, **options)
    return shift, labels, ids, classifier


def test_attack_and_noise_move_pixels_by_the_same_eps_and_every_image_is_attacked():
    shift, *_ = measured()
    moved = (shift.adversarial - shift.pixels).flatten(1).abs().amax(1)
    assert torch.allclose(moved, torch.full((12,), 4 / 255), atol=1e-6)
    assert float(shift.shift_noise.mean()) < float(shift.shift_adversarial.mean())


def test_what_is_saved_is_what_a_report_reads(tmp_path):
    masks = torch.zeros(12, 28, 28, dtype=torch.bool)
    masks[:, 5:15, 5:15] = True
    shift, labels, ids, classifier = measured(masks=masks)
    path = save_attention(tmp_path, shift, ids, labels.tolist(), classifier.class_names)
    with np.load(path, allow_pickle=False) as file:
        assert file["images"].shape == (8, 28, 28, 3)
        assert file["images"].dtype == np.uint8
        assert file["maps_adversarial"].shape == (8, 7, 7)
        assert len(file["shift_noise"]) == len(file["in_mask_clean"]) == 12
        assert str(file["eps_text"]) == "4/255"
        assert file["mask_share"][0] == pytest.approx(100 / 784)
    assert [p.name for p in path.parent.iterdir()] == ["attention.npz"]
