import numpy as np
import pytest
import torch
from PIL import Image
from tests.data.small_sets import picture, write_photos
from torchvision.transforms import v2

from zsrobust.data.catalogue import load_dataset
from zsrobust.data.pixels import read_pixels, resize_image
from zsrobust.errors import DataError

SIZES = [(40, 20), (20, 40), (96, 131), (333, 77), (32, 32), (9, 11), (56, 57)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("side", [10, 32, 56])
def test_resizing_is_torchvisions_bicubic_resize_and_centre_crop(size, side):
    image = picture(1, size)
    pipeline = v2.Compose([v2.Resize(side, v2.InterpolationMode.BICUBIC), v2.CenterCrop(side)])
    assert np.array_equal(resize_image(image, side), np.asarray(pipeline(image)))


@pytest.mark.parametrize("size", SIZES)
def test_as_released_is_torchvisions_256_and_224(size):
    image = picture(1, size)
    pipeline = v2.Compose([v2.Resize(256), v2.CenterCrop(224)])
    assert np.array_equal(resize_image(image, "as-released"), np.asarray(pipeline(image)))


@pytest.mark.parametrize("size", SIZES)
def test_224x224_is_torchvisions_resize_of_both_sides(size):
    image = picture(1, size)
    assert np.array_equal(resize_image(image, "224x224"), np.asarray(v2.Resize((224, 224))(image)))


def test_native_leaves_an_image_as_it_is():
    image = picture(1, (40, 20))
    assert np.array_equal(resize_image(image, "native"), np.asarray(image))


def test_shrinking_is_antialiased():
    stripes = np.zeros((64, 64, 3), dtype=np.uint8)
    stripes[::2] = 255
    small = resize_image(Image.fromarray(stripes), 16)
    assert small[2:-2].min() > 100 and small[2:-2].max() < 155


def test_pixels_are_floats_in_the_unit_range_in_the_order_asked_for(tmp_path):
    dataset = load_dataset(write_photos(tmp_path / "photos"))
    pixels = read_pixels(dataset, [4, 0], "native")
    assert (pixels.dtype, tuple(pixels.shape)) == (torch.float32, (2, 3, 9, 12))
    for row, position in zip(pixels, (4, 0), strict=True):
        expected = np.asarray(dataset.read(position)).transpose(2, 0, 1)
        assert np.array_equal((row * 255).round().numpy(), expected)
    assert pixels.is_contiguous()


def test_native_resolution_needs_images_of_one_size(tmp_path):
    for name, size in (("a", (12, 9)), ("b", (9, 9))):
        (tmp_path / name).mkdir()
        picture(size=size).save(tmp_path / name / "x.png")
    with pytest.raises(DataError, match="images of one size; got 9x9, 12x9"):
        read_pixels(load_dataset(tmp_path), range(2), "native")
