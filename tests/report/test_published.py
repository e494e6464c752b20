"""Published figures stand beside ours with their protocol, and never as measured here."""

import re
from statistics import fmean

import pytest
from tests.report.sample_runs import header, write_cell
from tests.report.test_about import protocol
from tests.report.test_page import words

from zsrobust.data.catalogue import dataset_names
from zsrobust.data.suites import load_suite
from zsrobust.errors import SettingsError
from zsrobust.report.cells import read_cells
from zsrobust.report.page import render
from zsrobust.report.published import PublishedTable, published_beside, published_tables
from zsrobust.report.story import Story
from zsrobust.settings import parse

TABLES = published_tables()
NAMES = tuple("abcdefghij")


def test_the_tables_hold_what_the_papers_print():
    titles = {(t.source, t.table, t.eps): t for t in TABLES}
    ours = titles["TGA-ZSR (NeurIPS 2024)", "Table 1", "1/255"]
    assert ours.printed_mean[ours.methods.index("TGA-ZSR")] == 42.09
    assert ours.figures["tinyimagenet"][ours.methods.index("CLIP")] == 0.88
    fare = titles["FARE, RobustVLM (ICML 2024)", "Table 4", "2/255"]
    assert fare.printed_mean[fare.methods.index("FARE, eps 2/255")] == 43.1


@pytest.mark.parametrize("table", TABLES, ids=lambda t: f"{t.source}-{t.table}-{t.eps}")
def test_every_figure_is_of_a_catalogued_set_and_a_mean_that_does_not_fit_is_said(table):
    assert set(table.figures) <= set(dataset_names())
    of = [m.dataset for m in load_suite(table.mean_of).members if m.dataset in table.figures]
    for column, (method, printed) in enumerate(zip(table.methods, table.printed_mean, strict=True)):
        values = [table.figures[name][column] for name in of]
        if printed is not None and abs(fmean(values) - printed) > 0.0501:
            stem = method.split(",")[0]
            assert stem in table.note and f"{printed}" in table.note


def test_a_table_whose_columns_do_not_fit_is_refused():
    content = {**TABLES[0].model_dump(), "figures": {"cars": [1.0]}}
    with pytest.raises(SettingsError, match="cars: 1 values for"):
        parse(PublishedTable, content, "x.yaml")


def test_ours_stand_beside_at_the_same_eps_alone(tmp_path):
    run = header("m", "cifar10", 100, class_names=NAMES, protocol=protocol("pgd"))
    write_cell(tmp_path, run, 90, 20)
    beside = published_beside(read_cells(tmp_path), Story())
    assert {one.table.eps for one in beside} == {None, "1/255"}
    table = next(one for one in beside if one.table.table == "Table 1")
    assert list(table.ours) == ["cifar10"]
    assert table.ours["cifar10"][0].value == pytest.approx(0.2)


def test_the_page_says_whose_numbers_they_are(tmp_path):
    run = header("m", "cifar10", 100, class_names=NAMES, protocol=protocol("pgd"))
    write_cell(tmp_path, run, 90, 20)
    said = words(render(tmp_path, published=True))
    assert "Nothing on the left was measured here" in said
    assert "TGA-ZSR (NeurIPS 2024), Table 1: robust at eps 1/255" in said
    assert re.search(r"cifar10 2\.42 .* 20\.0 13–29", said)
    assert "Published" not in words(render(tmp_path))
