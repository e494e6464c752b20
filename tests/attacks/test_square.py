"""Square Attack: where its squares lie, how they shrink, and what each image draws."""

import pytest
import torch
from tests.attacks.victims import RowByRow, fooled, images, names

from zsrobust.attacks.run_attack import run_attack
from zsrobust.attacks.search import Case
from zsrobust.attacks.square import Square
from zsrobust.errors import SettingsError
from zsrobust.threat_model import ThreatModel


def begun(norm="linf", count=1, size=8, queries=400, eps=0.1, share=0.8, seed=0):
    clean = torch.full((count, 3, size, size), 0.5)
    ranking = torch.arange(2).expand(count, 2)
    case = Case(clean, ranking[:, 0], ranking, names(count), ThreatModel(norm, eps), seed)
    return Square("square", queries=queries, share=share).begin(case, 0)


def proposals(search, count):
    """The proposals of `count` queries after the start, as changes of an untouched clean image."""
    for query in range(1, count + 1):
        search.best = search.clean.clone()
        search.query[:] = query
        yield search.pixels() - search.clean


def sides(search, count):
    """Height and width of what each query changes in the first image."""
    found = []
    for change in proposals(search, count):
        down = (change[0].abs().amax((0, 2)) > 0).nonzero()
        across = (change[0].abs().amax((0, 1)) > 0).nonzero()
        found.append((int(down.max() - down.min()) + 1, int(across.max() - across.min()) + 1))
    return found


def test_squares_shrink_at_the_papers_queries_whatever_the_budget():
    """32 px, share 0.8: sides of the root of 0.8, 0.4, 0.2, 0.1 ... of 1024 pixels.

    The release counts its queries from 0 and halves beyond 10, 50, 200 and 500 of them.
    """
    for queries in (600, 5000):
        found = sides(begun(size=32, queries=queries), 600)
        assert all(height == width for height, width in found)
        one = [height for height, _ in found]
        expected = [29] * 11 + [20] * 40 + [14] * 150 + [10] * 300 + [7] * 99
        assert one == expected


def test_a_square_is_a_pixel_at_least_and_the_image_at_most():
    assert sides(begun(size=2, queries=600, share=0.01), 3) == [(1, 1)] * 3
    assert sides(begun(size=8, share=1.0), 3) == [(8, 8)] * 3


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_squares_reach_every_row_and_column_the_last_ones_too(norm):
    search = begun(norm, count=16, size=6, queries=300)
    touched = torch.zeros(6, 6, dtype=torch.bool)
    for change in list(proposals(search, 300))[200:]:
        touched |= change.abs().amax((0, 1)) > 0
    assert bool(touched.all())


def test_a_square_changes_each_channel_by_two_radii_before_the_ball_holds_it():
    search = begun(eps=0.1)
    search.best = search.clean - 0.1
    search.query[:] = 1
    pixels = search.pixels()
    assert {round(float(v), 4) for v in pixels.flatten()} <= {0.4, 0.6}


def test_the_start_is_vertical_stripes_one_pixel_wide():
    search = begun(size=32, eps=0.1)
    delta = search.best[0] - 0.5
    assert torch.allclose(delta.abs(), torch.full_like(delta, 0.1), atol=1e-6)
    assert torch.equal(delta, delta[:, :1].expand_as(delta))
    assert len({tuple(channel[0].tolist()) for channel in delta}) == 3


@pytest.mark.parametrize("size", [3, 5, 6, 11])
def test_in_l2_start_and_proposals_use_up_the_whole_radius(size):
    search = begun("l2", count=8, size=size, queries=60)
    for query in range(61):
        search.query[:] = query
        pixels = search.pixels()
        lengths = (pixels - 0.5).flatten(1).norm(dim=1)
        assert lengths.tolist() == pytest.approx([0.1] * 8, abs=1e-5)
        search.best = pixels


def test_every_image_draws_its_own_squares_and_the_same_alone():
    many, one = begun(count=6), begun(count=1)
    changes, alone = list(proposals(many, 20)), list(proposals(one, 20))
    assert all(torch.equal(two[0], single[0]) for two, single in zip(changes, alone, strict=True))
    every = torch.stack(changes)
    assert len({tuple(every[:, i].flatten().tolist()) for i in range(6)}) == 6
    assert not torch.equal(begun(seed=0).best, begun(seed=1).best)


def test_only_what_raises_the_margin_is_kept():
    model, pixels = RowByRow(classes=2), images(20)
    labels = model(pixels).argmax(1)
    margins = [
        run_attack(
            model, pixels, labels, attack=Square("s", queries=n), eps="0.5/255", ids=names(20)
        ).margins
        for n in (1, 20, 100)
    ]
    assert bool((margins[1] >= margins[0]).all())
    assert bool((margins[2] >= margins[1]).all())
    assert bool((margins[2] > margins[0]).any())


@pytest.mark.parametrize(("norm", "eps"), [("linf", "6/255"), ("l2", 0.4)])
def test_it_needs_no_gradient(norm, eps):
    model, pixels = RowByRow(), images(20)
    labels = model(pixels).argmax(1)
    hidden = lambda x: model(x.detach()).detach()  # noqa: E731
    arguments = {"attack": Square("square", queries=100), "eps": eps, "norm": norm}
    result = run_attack(hidden, pixels, labels, **arguments)
    assert int(fooled(result).sum()) > 5
    assert set(result.backwards.tolist()) == {0}
    assert torch.equal(result.pixels, run_attack(model, pixels, labels, **arguments).pixels)


def test_a_survivor_has_had_its_start_and_all_its_queries():
    model, pixels = RowByRow(), images(20)
    attack = Square("square", queries=30)
    result = run_attack(model, pixels, model(pixels).argmax(1), attack=attack, eps=0)
    assert set(result.forwards.tolist()) == {31}


def test_settings_that_mean_nothing_are_refused():
    for wrong in ({"queries": 0}, {"share": 0.0}, {"share": 1.5}):
        with pytest.raises(SettingsError, match="give at least 1 query"):
            Square("square", **wrong)
