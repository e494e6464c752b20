import pytest
from tests.report.sample_runs import STORY, header, write_cell, write_first_light

from zsrobust.report.cells import read_cells
from zsrobust.report.results import results
from zsrobust.report.results_table import print_terminal


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    return read_cells(write_first_light(tmp_path_factory.mktemp("light")))


@pytest.fixture(autouse=True)
def eighty(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def test_the_table_fits_eighty_columns_and_breaks_no_number(cells, capsys):
    print_terminal(cells, STORY)
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    row = next(line for line in lines if "TGA-ZSR" in line)
    assert "80.0  (73–86)" in row and "57.3  (49–65)" in row


def test_long_names_fold_and_leave_the_numbers_whole(tmp_path, capsys):
    name = "a-model-with-a-name-that-nobody-would-type-twice-in-one-day"
    write_cell(tmp_path, header(name, "scenes-colours", 40, ("1/255", "4/255")), 90, 10)
    print_terminal(read_cells(tmp_path))
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert "90.0  (77–96)" in shown and "10.0   (4–23)" in shown


def test_collapse_is_said_beside_the_number_and_why_below(cells, capsys):
    print_terminal(cells, STORY)
    shown = " ".join(capsys.readouterr().out.split())
    assert "collapsed [1]" in shown
    assert '[1] TeCoA on scenes-textures has collapsed: "solid" takes 100.0 %' in shown


def test_chance_n_and_eps_stand_in_the_table(cells, capsys):
    print_terminal(cells)
    shown = capsys.readouterr().out
    assert "chance" in shown and "eps 4/255, n = 150 images a row" in shown


def test_runs_without_labels_stand_apart_with_their_attack_success_rate(tmp_path, capsys):
    write_cell(tmp_path, header("m", "scenes-colours", 40, labelled=False), 100, 25)
    print_terminal(read_cells(tmp_path))
    shown = capsys.readouterr().out
    assert "attack success %" in shown and "75.0" in shown
    assert "robust" not in shown and "clean" not in shown


def test_a_run_without_attack_shows_a_dash(tmp_path, capsys):
    write_cell(tmp_path, header("m", "scenes-colours", 40, ()), 90, 10)
    print_terminal(read_cells(tmp_path))
    shown = capsys.readouterr().out
    assert "90.0" in shown and "–" in shown and "eps" not in shown


def test_no_run_prints_nothing(capsys):
    print_terminal([])
    assert capsys.readouterr().out == ""


def test_health_flags_become_notes_with_their_counts(cells):
    cell = next(
        cell for cell in cells if cell.model == "tecoa" and cell.dataset == "scenes-colours"
    )
    at = cell.summary.by_eps[0].model_copy(update={"flags": {"zero-gradient": 7}})
    summary = cell.summary.model_copy(update={"by_eps": (at,)})
    flagged = type(cell)(cell.path, cell.header, summary)
    table = results([flagged], STORY)
    assert table.notes[0].startswith("zero-gradient (7 of 111): a gradient of exactly zero")
    assert table.rows[0].marks == (1,)


def test_above_both_needs_the_undefended_run_on_the_same_task_and_protocol(cells):
    table = results(cells, STORY)
    above = {(row.name, row.task): row.lead.above for row in table.rows}
    assert above["tga-zsr", "scenes-textures"] == "both"
    assert above["tecoa", "scenes-textures"] == ""
    assert above["scenes-tiny", "scenes-shapes"] == ""
    alone = results([cell for cell in cells if cell.model == "tga-zsr"], STORY)
    assert {row.lead.above for row in alone.rows} == {"chance"}
