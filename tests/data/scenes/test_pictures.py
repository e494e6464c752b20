"""What a picture shows is what its scene says, and can be told from everything else."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from zsrobust.data.scenes import IMAGE_SIZE, describe, render, scene_ids
from zsrobust.data.scenes.backgrounds import draw_background
from zsrobust.data.scenes.palette import TONES
from zsrobust.data.scenes.shapes import SILHOUETTES
from zsrobust.data.scenes.textures import SECOND_TONE
from zsrobust.data.scenes.world import (
    BACKGROUNDS,
    COLOURS,
    FINETUNING_SHAPES,
    HELDOUT_SHAPES,
    SHAPES,
    SIZES,
    TEXTURES,
)


@pytest.fixture(scope="module")
def scenes():
    return [describe(scene_id) for scene_id in scene_ids("val")[:400]]


def posed(shape, *, texture="solid", tilt=0.0, radius=15.0):
    scene = describe("scenes/test/122002")
    attributes = replace(scene.attributes, shape=shape, texture=texture, position="middle")
    return replace(scene, attributes=attributes, centre=(28.0, 28.0), radius=radius, tilt=tilt)


def colour_distances(pixels, tone):
    return np.sqrt(((pixels.astype(float) - np.array(tone)) ** 2).sum(-1))


def test_pictures_have_the_promised_type_and_shape(scenes):
    rendered = render(scenes[0])
    assert rendered.image.shape == (IMAGE_SIZE, IMAGE_SIZE, 3)
    assert rendered.image.dtype == np.uint8
    assert rendered.mask.shape == (IMAGE_SIZE, IMAGE_SIZE) and rendered.mask.dtype == bool


def test_outside_the_mask_is_background_alone(scenes):
    for scene in scenes:
        rendered = render(scene)
        ground = draw_background(scene)
        assert (rendered.image[~rendered.mask] == ground[~rendered.mask]).all()


def test_inside_the_mask_hardly_a_pixel_is_background(scenes):
    for scene in scenes:
        rendered = render(scene)
        same = (rendered.image == draw_background(scene)).all(-1)
        assert (same & rendered.mask).sum() <= 0.06 * rendered.mask.sum()


def test_the_whole_object_lies_inside_the_picture(scenes):
    for scene in scenes:
        mask = render(scene).mask
        rim = mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any()
        assert mask.any() and not rim, scene.id


def test_the_object_is_where_its_position_says(scenes):
    for scene in scenes:
        x, y = scene.centre
        position = scene.attributes.position
        if position == "middle":
            assert abs(x - 28) < 3.5 and abs(y - 28) < 3.5
        else:
            vertical, horizontal = position.split()
            assert y < 24.6 if vertical == "top" else y > 31.4
            assert x < 24.6 if horizontal == "left" else x > 31.4


def test_the_mask_lies_around_the_scenes_centre_and_within_its_radius(scenes):
    for scene in scenes:
        rows, columns = np.nonzero(render(scene).mask)
        for place, centre in ((columns, scene.centre[0]), (rows, scene.centre[1])):
            assert abs((place.min() + place.max() + 1) / 2 - centre) < 0.4 * scene.radius
            assert max(place.max() + 1 - centre, centre - place.min()) < 1.17 * scene.radius + 1


def test_named_sizes_do_not_overlap(scenes):
    radii = {size: [s.radius for s in scenes if s.attributes.size == size] for size in SIZES}
    assert max(radii["small"]) + 1 < min(radii["medium"])
    assert max(radii["medium"]) + 1 < min(radii["large"])


def test_no_object_vanishes_against_its_background():
    for scene_id in scene_ids("val")[:1000]:
        scene = describe(scene_id)
        main, _ = TONES[scene.attributes.colour]
        assert colour_distances(draw_background(scene), main).min() > 55, scene_id


def test_away_from_its_edge_a_solid_object_is_its_colour_exactly(scenes):
    solid = [scene for scene in scenes if scene.attributes.texture == "solid"]
    for scene in solid:
        rendered = render(scene)
        inside = rendered.mask.copy()
        for step in (-1, 1):
            for axis in (0, 1):
                inside &= np.roll(rendered.mask, step, axis)
        main, _ = TONES[scene.attributes.colour]
        exact = (rendered.image[inside] == main).all(-1)
        assert exact.mean() > 0.8, scene.id
    assert len(solid) > 50


def test_a_textured_object_shows_both_its_tones(scenes):
    for scene in scenes:
        if scene.attributes.texture in ("striped", "checkered"):
            image = render(scene).image
            for tone in TONES[scene.attributes.colour]:
                assert (colour_distances(image, tone) < 40).sum() >= 6, scene.id


def test_every_word_of_the_world_has_its_drawing():
    assert set(SILHOUETTES) == set(SHAPES) and len(SHAPES) == 20
    assert set(TONES) == set(COLOURS) and set(SECOND_TONE) == set(TEXTURES)
    assert not set(FINETUNING_SHAPES) & set(HELDOUT_SHAPES)


def test_no_shape_can_be_tilted_into_another():
    tilts = (-0.2126, -0.1, 0.0, 0.1, 0.2126)
    masks = {shape: [render(posed(shape, tilt=tilt)).mask for tilt in tilts] for shape in SHAPES}
    for first, second in combinations(SHAPES, 2):
        overlap = max((a & b).sum() / (a | b).sum() for a in masks[first] for b in masks[second])
        assert overlap < 0.85, (first, second)


@pytest.mark.parametrize("texture", ["striped", "checkered", "dotted"])
def test_every_texture_shows_even_on_small_objects(texture):
    shares = []
    for shape in SHAPES:
        plain = render(posed(shape, radius=10.5))
        marked = render(posed(shape, texture=texture, radius=10.5))
        change = np.abs(plain.image.astype(int) - marked.image).sum(-1)[plain.mask]
        shares.append((change > 60).mean())
    assert min(shares) > 0.06 and np.mean(shares) > 0.12


def test_textures_never_break_the_silhouette():
    for shape in SHAPES:
        masks = [render(posed(shape, texture=texture)).mask for texture in TEXTURES]
        assert all((mask == masks[0]).all() for mask in masks)


def test_simple_statistics_tell_the_backgrounds_apart(scenes):
    features = np.stack([_statistics(draw_background(scene)) for scene in scenes])
    features = (features - features.mean(0)) / features.std(0)
    names = np.array([BACKGROUNDS.index(scene.attributes.background) for scene in scenes])
    known, asked = features[:200], features[200:]
    nearest = ((asked[:, None] - known[None]) ** 2).sum(-1).argmin(1)
    assert (names[:200][nearest] == names[200:]).mean() > 0.97


def _statistics(image):
    grey = image.astype(float).mean(-1)
    across, down = np.abs(np.diff(grey, axis=1)), np.abs(np.diff(grey, axis=0))
    contrast = np.ptp(grey) + 20
    steps = [across.mean(), down.mean(), np.median(across), np.median(down), grey.std()]
    return np.array([*(step / contrast for step in steps), (across < 0.02 * contrast).mean()])
