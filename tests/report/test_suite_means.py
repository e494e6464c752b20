"""Means over suites: as published, over comparable runs, with what is missing said."""

from math import sqrt

import pytest
from tests.report.sample_runs import header, write_cell
from tests.report.test_about import protocol, tuned
from tests.report.test_page import words

from zsrobust.data.suites import load_suite, suite_names
from zsrobust.errors import UnknownNameError
from zsrobust.records.intervals import rate
from zsrobust.report.cells import read_cells
from zsrobust.report.page import render
from zsrobust.report.results_table import print_terminal
from zsrobust.report.story import Story, story_of
from zsrobust.report.suite_means import mean_of, suite_tables

NAMES = tuple("abcdefghij")


@pytest.fixture(autouse=True)
def eighty(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def write_suite(out, name, make=header, model="m", left_out=(), clean=90, robust=30, **changes):
    """Runs of one model on a suite's members: robust `robust` %, then a point less each."""
    for i, member in enumerate(load_suite(name).members):
        if member.dataset not in left_out:
            first = (model,) if make is header else ()
            run = make(
                *first, member.dataset, 100, class_names=NAMES, split=member.split, **changes
            )
            write_cell(out, run, clean, max(robust - i, 0))
    return read_cells(out)


def table_of(cells, suite, **options):
    return next(t for t in suite_tables(cells, story_of(cells, ()), **options) if t.suite == suite)


def test_tga16s_mean_has_tiny_imagenet_in_it_and_the_mean_without_it_stands_beside(tmp_path):
    cells = write_suite(tmp_path, "tga16", tuned)
    (row,) = table_of(cells, "tga16").rows
    assert (row.robust.sets, row.unseen_robust.sets) == (16, 15)
    assert row.robust.value == pytest.approx(sum(30 - i for i in range(16)) / 1600)
    assert row.unseen_robust.value == pytest.approx(sum(30 - i for i in range(1, 16)) / 1500)
    notes = table_of(cells, "tga16").notes
    assert any("tuned was tuned on tinyimagenet, which is in the mean" in note for note in notes)


def test_tecoa16_is_imagenet_and_fifteen_others():
    names = [member.dataset for member in load_suite("tecoa16").members]
    assert (names[0], len(set(names))) == ("imagenet1k", 16)
    assert "tinyimagenet" not in names


def test_missing_members_are_named_beside_the_mean(tmp_path, capsys):
    cells = write_suite(tmp_path, "tga16", left_out=("sun397", "pcam"), suite="tga16")
    table = table_of(cells, "tga16")
    assert table.rows[0].robust.sets == 14
    assert table.notes[0] == "m: 14 of 16 sets; missing: sun397, pcam."
    print_terminal(cells)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "Means over tga16 under pgd-20-eps4" in lines
    assert "m: 14 of 16 sets; missing: sun397, pcam." in words(render(tmp_path))


def test_means_over_different_sets_are_not_comparable(tmp_path):
    write_suite(tmp_path, "tga16", model="a")
    cells = write_suite(tmp_path, "tga16", model="b", left_out=("pcam",))
    notes = table_of(cells, "tga16").notes
    assert notes[0] == "Not comparable: the models' means are over different sets."


def test_a_suite_is_shown_when_asked_for_or_complete_and_not_otherwise(tmp_path):
    cells = write_suite(tmp_path / "part", "tga16", left_out=("pcam",))
    assert "tga16" not in {table.suite for table in suite_tables(cells, Story())}
    assert table_of(cells, "tga16", asked=["tga16"]).rows[0].robust.sets == 15
    whole = write_suite(tmp_path / "whole", "tga16")
    assert "tga16" in {table.suite for table in suite_tables(whole, Story())}
    with pytest.raises(UnknownNameError, match="Did you mean 'tga16'"):
        suite_tables(cells, Story(), ["tga-16"])


def test_another_split_is_no_member(tmp_path):
    member = next(m for m in load_suite("tga16").members if m.dataset == "eurosat")
    assert member.split == "all"
    write_cell(tmp_path, header("m", "eurosat", 100, class_names=NAMES, split="test"), 90, 30)
    cells = write_suite(tmp_path, "tga16", left_out=("eurosat",))
    assert table_of(cells, "tga16", asked=["tga16"]).notes[0].endswith("missing: eurosat.")


def test_two_protocols_get_a_table_each_and_other_sizes_are_said_not_to_compare(tmp_path):
    for name, size in (("tecoa-as-released", 32), ("tga-as-released", "224x224")):
        for dataset in ("cifar10", "food101"):
            shown = size if dataset == "cifar10" else "as-released"
            run = header(
                "m", dataset, 100, class_names=NAMES, resolution=shown, protocol=protocol(name)
            )
            write_cell(tmp_path, run, 90, 30)
    tables = suite_tables(read_cells(tmp_path), Story(), ["tga16"])
    assert [table.protocol for table in tables] == ["tecoa-as-released", "tga-as-released"]
    assert (
        "Not comparable with tga-as-released: cifar10 (32 px, 224 px (squashed) there)."
    ) in tables[0].notes


def test_models_that_saw_a_member_at_other_sizes_or_other_images_are_not_comparable(tmp_path):
    for model, size, n in (("a", 56, 100), ("b", 224, 60)):
        run = header(
            model, "cifar10", n, class_names=NAMES, resolution=size, suite="tga16", hash=f"{n}"
        )
        write_cell(tmp_path, run, 90, 30)
    notes = table_of(read_cells(tmp_path), "tga16").notes
    assert "Not comparable: cifar10 was seen at 56 px and at 224 px by different models." in notes
    assert any(
        note.endswith("on other images by different models (n = 60, 100).") for note in notes
    )


def test_sets_on_which_the_undefended_model_is_at_chance_are_named(tmp_path):
    write_suite(tmp_path, "tga16", left_out=("pcam",), model="base")
    pcam = header("base", "pcam", 100, class_names=("healthy", "tumor"))
    write_cell(tmp_path, pcam, 55, 0)
    cells = write_suite(tmp_path, "tga16", tuned)
    notes = table_of(cells, "tga16").notes
    assert (
        "base (undefended) is not above chance when clean on pcam: in the mean all the same."
    ) in notes


def test_miniatures_in_a_mean_are_named(tmp_path):
    cells = write_suite(tmp_path, "tga16", variant="miniature")
    assert any(
        "Not the official images: tinyimagenet (min" in n for n in table_of(cells, "tga16").notes
    )


def test_a_clean_protocol_gives_a_clean_mean_alone(tmp_path, capsys):
    cells = write_suite(tmp_path, "scenes", eps=(), protocol=clean())
    (row,) = table_of(cells, "scenes").rows
    assert row.robust is None and row.clean.value == pytest.approx(0.9)
    print_terminal(cells)
    assert "robust" not in capsys.readouterr().out.split("Means over scenes")[1]


def clean():
    from zsrobust.records.header import ProtocolHeader

    return ProtocolHeader(name="clean", hash="c", content={"attack": "none", "eps": []})


def test_the_interval_of_a_mean_joins_those_of_the_rates():
    rates = [rate(30, 100), rate(50, 200), rate(0, 50)]
    mean = mean_of(rates)
    assert mean.value == pytest.approx((0.3 + 0.25 + 0) / 3)
    lower = sqrt(sum((r.value - r.interval.low) ** 2 for r in rates)) / 3
    assert mean.interval.low == pytest.approx(mean.value - lower)
    assert mean_of([rate(7, 20)]).interval.high == pytest.approx(rate(7, 20).interval.high)
    assert mean_of([rate(0, 9)]).interval.low == 0


@pytest.mark.parametrize("name", suite_names())
def test_every_suite_can_be_shown(name, tmp_path, capsys):
    print_terminal(write_suite(tmp_path, name))
    lines = capsys.readouterr().out.splitlines()
    assert f"Means over {name} under pgd-20-eps4" in lines
    assert max(map(len, lines)) <= 80
