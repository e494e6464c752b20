"""The comparison with the packaged attacks: its rule, matrix and files, without running it."""

from dataclasses import replace
from pathlib import Path

import pytest

import attack_strength
from packaged_attacks import MEMBERS, missing_packages
from strength_cells import DEFENDED, FULL, NORMS, SINGLES, STANDARD, Cell, matrix
from strength_counting import Outcome, count
from strength_estimate import Rate
from strength_running import read, save
from strength_table import heading, line, markdown
from victims import SOURCES

CELL = Cell("convnet-robust", "linf", "apgd-ce+t", 4, 2)


def outcome(theirs: list[str], ours: list[str], images: int = 4) -> Outcome:
    """Broken ids as letters, one string a seed."""
    ids = tuple("abcdefgh"[:images]) + tuple(f"more-{i}" for i in range(images - 8))
    seconds = (1.0,) * len(theirs)
    return Outcome(ids, tuple(map(tuple, theirs)), tuple(map(tuple, ours)), seconds, seconds)


def test_an_image_counts_as_broken_if_any_seed_breaks_it() -> None:
    counted = count(outcome(["a", "ab"], ["b", "a"]))
    assert (counted.theirs_robust, counted.ours_robust) == (2, 2)
    assert counted.theirs_only == counted.ours_only == ()
    assert counted.holds


@pytest.mark.parametrize(
    ("theirs", "ours", "images", "holds"),
    [
        ("a", "", 4, True),
        ("ab", "", 4, False),
        ("ab", "c", 4, True),
        ("abc", "d", 4, False),
        ("ab", "", 200, True),
        ("abc", "", 200, False),
        ("", "abcd", 4, True),
    ],
)
def test_ours_may_miss_one_image_or_one_percent_beyond_its_own(
    theirs: str, ours: str, images: int, holds: bool
) -> None:
    assert count(outcome([theirs], [ours], images)).holds is holds


def test_a_defended_row_tells_something_only_where_some_images_survive() -> None:
    assert not count(outcome([""], [""])).tells
    assert count(outcome(["ab"], ["ab"])).tells
    assert not count(outcome(["abcd"], ["abcd"])).tells


def test_the_matrix_is_what_was_asked_for() -> None:
    cells = matrix(STANDARD)
    for victim in DEFENDED:
        for norm in NORMS:
            assert Cell(victim, norm, "apgd-ce+t", 200, 3) in cells
            assert Cell(victim, norm, "pgd", 200, 3) in cells
            sizes = {c.attack: c.images for c in cells if (c.victim, c.norm) == (victim, norm)}
            assert sizes["autoattack"] == 100
            assert {sizes[attack] for attack in SINGLES} == {64}
    assert Cell("photos-tecoa", "linf", "apgd-ce+t", 50, 3) in cells
    assert {c.victim for c in cells if not c.defended} == {
        "scenes-tiny",
        "convnet-plain",
        "photos-mini",
    }


@pytest.mark.parametrize("sizes", [STANDARD, FULL])
def test_every_cell_has_a_victim_an_attack_and_a_file_of_its_own(sizes: object) -> None:
    cells = matrix(sizes)
    assert len({cell.name for cell in cells}) == len(cells)
    for cell in cells:
        assert cell.norm in SOURCES[cell.victim].radii
        assert cell.attack == "pgd" or cell.attack in MEMBERS


def test_the_estimate_grows_with_images_seeds_and_members() -> None:
    rate = Rate(plain=0.001, gradient=0.003, classes=10)
    base = rate.seconds(CELL)
    assert rate.seconds(replace(CELL, images=8)) == pytest.approx(2 * base)
    assert rate.seconds(replace(CELL, seeds=4)) == pytest.approx(2 * base)
    assert rate.seconds(replace(CELL, attack="autoattack")) > base
    assert rate.seconds(replace(CELL, victim="convnet-plain")) < base


def test_a_cell_is_read_back_as_it_was_saved_but_not_for_another_radius(tmp_path: Path) -> None:
    path, found = tmp_path / "cell.json", outcome(["a", "b"], ["a", ""])
    assert read(path, "1/255") is None
    save(path, CELL, "1/255", found)
    assert read(path, "1/255") == found
    assert read(path, "2/255") is None


def test_the_table_fits_a_hundred_columns_and_says_what_was_missed() -> None:
    found = outcome(["abc", ""], ["d", ""])
    assert len(heading()) <= 100
    assert len(line(CELL, found)) <= 100
    assert "MISSED" in line(CELL, found)
    text = markdown([(CELL, "12/255", found)])
    assert "only theirs breaks a, b, c" in text
    assert "only ours breaks d" in text


def test_without_the_packages_one_line_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not missing_packages():
        pytest.skip("the packages are installed")
    monkeypatch.setattr("sys.argv", ["attack_strength.py"])
    assert attack_strength.main() == 2
    (told,) = capsys.readouterr().out.splitlines()
    assert "pip install -e '.[bench]'" in told
