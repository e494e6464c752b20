import io
import warnings

import numpy as np
import pytest
from PIL import Image
from tests.data.small_sets import encoded, picture

from zsrobust.data.readers.decode import open_rgb, to_rgb
from zsrobust.errors import DataError


def decoded(content):
    return open_rgb(io.BytesIO(content), "x")


def pixels(image):
    return np.asarray(image).astype(int)


@pytest.mark.parametrize(
    ("mode", "form"),
    [
        ("L", "PNG"), ("1", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("RGBA", "PNG"), ("RGBA", "WEBP"),
        ("CMYK", "JPEG"), ("CMYK", "TIFF"), ("YCbCr", "TIFF"), ("LAB", "TIFF"), ("P", "GIF"),
    ],
)  # fmt: skip
def test_every_mode_decodes_to_rgb_of_the_same_size(mode, form):
    image = decoded(encoded(picture(1, mode=mode), form))
    assert (image.mode, image.size) == ("RGB", (12, 9))


def test_grey_and_palette_keep_their_colours():
    grey = picture(1, mode="L")
    assert np.array_equal(pixels(decoded(encoded(grey)))[..., 1], pixels(grey))
    palette = picture(1).quantize(16)
    assert np.array_equal(pixels(decoded(encoded(palette))), pixels(palette.convert("RGB")))


def test_cmyk_is_not_inverted():
    red = Image.new("RGB", (16, 16), (250, 10, 10)).convert("CMYK")
    colour = pixels(decoded(encoded(red, "JPEG", quality=95))).mean((0, 1))
    assert colour[0] > 200 and colour[1] < 60


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize(("value", "expected"), [(0, 0), (32768, 128), (65535, 255)])
def test_sixteen_bits_are_scaled_instead_of_clipped(form, value, expected):
    grey = Image.fromarray(np.full((9, 12), value, dtype=np.uint16))
    assert set(pixels(decoded(encoded(grey, form))).ravel()) == {expected}


def test_transparency_shows_the_colours_beneath():
    image = picture(1).convert("RGBA")
    image.putalpha(Image.new("L", image.size, 0))
    assert np.array_equal(pixels(decoded(encoded(image))), pixels(picture(1)))


def test_a_transparent_palette_decodes_without_a_warning():
    palette = picture(1).quantize(16)
    content = encoded(palette, transparency=bytes(range(0, 160, 10)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = decoded(content)
    assert np.array_equal(pixels(image), pixels(palette.convert("RGB")))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_stands_upright(orientation):
    upright = picture(3, size=(16, 8))
    undone = {
        1: (), 2: (Image.Transpose.FLIP_LEFT_RIGHT,), 3: (Image.Transpose.ROTATE_180,),
        4: (Image.Transpose.FLIP_TOP_BOTTOM,), 5: (Image.Transpose.TRANSPOSE,),
        6: (Image.Transpose.ROTATE_90,), 7: (Image.Transpose.TRANSVERSE,),
        8: (Image.Transpose.ROTATE_270,),
    }[orientation]  # fmt: skip
    stored = upright
    for step in undone:
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = decoded(encoded(stored, "PNG", exif=exif))
    assert np.array_equal(pixels(image), pixels(upright))


def test_broken_exif_does_not_cost_the_image():
    content = encoded(picture(3), "JPEG", exif=b"Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x09")
    with pytest.warns(UserWarning, match="Corrupt EXIF"):
        assert decoded(content).size == (12, 9)


def test_the_first_frame_of_an_animation_is_taken():
    frames = [picture(seed).quantize(64) for seed in (1, 2)]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.array_equal(pixels(decoded(content)), pixels(frames[0].convert("RGB")))


def test_floating_point_pixels_are_refused():
    image = Image.fromarray(np.ones((9, 12), dtype=np.float32))
    with pytest.raises(DataError, match=r"x: not a readable image .*floating-point"):
        decoded(encoded(image, "TIFF"))
    with pytest.raises(ValueError, match="unknown range"):
        to_rgb(image)


@pytest.mark.parametrize(("form", "share"), [("PNG", 0.5), ("JPEG", 0.7), ("WEBP", 0.5)])
def test_a_truncated_image_is_refused(form, share):
    whole = encoded(picture(4, size=(64, 64)), form)
    with pytest.raises(DataError, match="x: not a readable image"):
        decoded(whole[: int(len(whole) * share)])


def test_bytes_of_no_known_format_are_said_to_be_so():
    with pytest.raises(DataError, match="no known image format"):
        decoded(b"<html>not found</html>")
