import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image
from tests.data.small_sets import encoded, picture

from zsrobust.data.readers.decode import open_rgb, to_rgb
from zsrobust.errors import DataError, UnreadableImageError


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


def raw_png(depth, colour, values):
    """A PNG of one row of big-endian samples, written by hand: PIL writes no 16-bit colour."""
    samples = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    row = np.array(values, dtype=">u2" if depth == 16 else ">u1").tobytes()
    head = struct.pack(">IIBBBBB", len(values) // samples, 1, depth, colour, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(b"\0" + row)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + kind + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in chunks
    )  # fmt: skip


@pytest.mark.parametrize(
    ("colour", "values", "expected"),
    [
        (0, [0, 32768, 65535, 300], [[0] * 3, [128] * 3, [255] * 3, [1] * 3]),
        (2, [65535, 32768, 300], [[255, 128, 1]]),
        (4, [32768, 65535, 300, 0], [[128] * 3, [1] * 3]),
        (6, [65535, 32768, 300, 0], [[255, 128, 1]]),
    ],
    ids=["grey", "colour", "grey and alpha", "colour and alpha"],
)
def test_sixteen_bit_pngs_of_every_kind_keep_their_high_bytes(colour, values, expected):
    assert pixels(decoded(raw_png(16, colour, values)))[0].tolist() == expected


@pytest.mark.parametrize("order", ["<", ">"])
def test_sixteen_bit_grey_of_either_byte_order_is_read(order):
    values = np.array([0, 32768, 65535, 300], dtype=f"{order}u2").tobytes()
    tags = [(256, 4), (257, 1), (258, 16), (259, 1), (262, 1), (273, 122), (278, 1), (279, 8)]
    directory = b"".join(struct.pack(f"{order}HHIHH", tag, 3, 1, value, 0) for tag, value in tags)
    head = struct.pack(f"{order}HIH", 42, 8, len(tags))
    content = (b"II" if order == "<" else b"MM") + head + directory + bytes(4)
    content += bytes(122 - len(content)) + values
    assert pixels(decoded(content))[0, :, 0].tolist() == [0, 128, 255, 1]


def test_adobes_inverted_cmyk_is_turned_back():
    content = encoded(Image.new("CMYK", (16, 16), (0, 240, 240, 0)), "JPEG", quality=95)
    assert b"Adobe" in content
    colour = pixels(decoded(content)).mean((0, 1))
    assert colour[0] > 240 and max(colour[1:]) < 30


@pytest.mark.parametrize("side", [11_000, 20_000])
def test_an_image_that_would_unpack_to_too_much_is_refused_before_it_is(side):
    content = encoded(Image.new("1", (side, side)))
    assert len(content) < 100_000
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UnreadableImageError, match=r"more than the 100,000,000 pixels"):
            decoded(content)


def test_formats_that_would_start_other_programs_are_not_opened():
    content = encoded(picture(1), "EPS")
    with pytest.raises(UnreadableImageError, match="no known image format"):
        decoded(content)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
def test_damaged_bytes_end_in_a_picture_or_in_one_message(form):
    whole = encoded(picture(5, (24, 24)), form)
    draw = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(whole)
        for at in draw.integers(0, len(damaged), 4):
            damaged[at] = draw.integers(0, 256)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                image = decoded(bytes(damaged))
        except UnreadableImageError as error:
            assert str(error).count("\n") == 0
        else:
            assert image.mode == "RGB"
