"""What is to be known of a set stands wherever its number is."""

import pytest
from tests.report.sample_runs import header, write_cell
from tests.report.test_page import words

from zsrobust.records.header import ModelHeader, ProtocolHeader
from zsrobust.report.about import about_datasets
from zsrobust.report.cells import read_cells
from zsrobust.report.headline import headline
from zsrobust.report.page import render
from zsrobust.report.results import results
from zsrobust.report.results_table import print_terminal
from zsrobust.report.story import Story, story_of

FAULT = "crane names two classes: top-1 by name is ambiguous there."
TUNED = ModelHeader(name="tuned", hash="t", source="runs/tuned", tuned_on=("tinyimagenet",))


def tuned(dataset, n, **changes):
    return header("tuned", dataset, n, **changes).model_copy(update={"model": TUNED})


@pytest.fixture(autouse=True)
def eighty(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def protocol(name, attack="pgd", steps=20):
    content = {"norm": "linf", "eps": ["1/255"], "attack": attack, "steps": steps}
    return ProtocolHeader(name=name, hash=name, content=content)


def test_the_label_faults_of_a_set_are_marked_in_the_terminal_and_said_below(tmp_path, capsys):
    write_cell(
        tmp_path, header("m", "scenes-colours", 40, notes=(FAULT, "Some are blurred.")), 90, 9
    )
    write_cell(tmp_path, header("m", "scenes-sizes", 40), 90, 9)
    print_terminal(read_cells(tmp_path))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "scenes-colours [a]" in "\n".join(lines)
    said = " ".join(" ".join(lines).split())
    assert f"[a] scenes-colours: {FAULT} Some are blurred." in said
    assert "scenes-sizes [" not in said


def test_the_page_marks_the_set_and_leads_to_its_notes(tmp_path):
    write_cell(tmp_path, header("m", "scenes-colours", 40, notes=(FAULT,)), 90, 9)
    made = render(tmp_path)
    assert 'scenes-colours<a class="mark" href="#about-a">a</a>' in made
    assert f'<li id="about-a"><b>scenes-colours</b> {FAULT}</li>' in made


def test_a_miniature_is_called_one_beside_its_number(tmp_path):
    write_cell(tmp_path, header("m", "scenes-colours", 40, variant="miniature"), 90, 9)
    (about,) = about_datasets(read_cells(tmp_path))
    assert about.text == "scenes-colours: A miniature, not the official images."


def test_marks_go_on_after_z(tmp_path):
    run = write_cell(tmp_path, header("m", "scenes-colours", 10, notes=("x",)), 90, 9)
    (cell,) = read_cells(run)
    renamed = [
        type(cell)(
            cell.path,
            cell.header.model_copy(
                update={"dataset": cell.header.dataset.model_copy(update={"name": f"set-{i}"})}
            ),
            cell.summary,
        )
        for i in range(28)
    ]
    assert [one.mark for one in about_datasets(renamed)][24:] == ["y", "z", "aa", "ab"]


def test_two_sizes_of_one_set_get_rows_of_their_own_and_are_not_called_comparable(tmp_path, capsys):
    for name, size in (("tecoa-as-released", 32), ("tga-as-released", "224x224")):
        run = header("m", "scenes-colours", 40, resolution=size, protocol=protocol(name, steps=100))
        write_cell(tmp_path, run, 90, 9)
    cells = read_cells(tmp_path)
    table = results(cells, Story())
    assert [row.apart for row in table.rows] == ["32 px", "224 px"]
    (about,) = table.about
    assert about.notes == (
        "Not comparable: seen at 32 px (tecoa-as-released) and at 224 px (squashed) "
        "(tga-as-released).",
    )
    assert "leads" not in headline(cells, Story()).scope
    print_terminal(cells)
    shown = capsys.readouterr().out
    assert "m, 32 px" in shown and max(map(len, shown.splitlines())) <= 80
    assert "Not comparable" in words(render(tmp_path))


def test_other_prompts_are_another_classifier(tmp_path):
    for name, templates in (("a", ("one {}",)), ("b", ("two {}", "three {}"))):
        run = header("m", "scenes-colours", 40, templates=templates, protocol=protocol(name))
        write_cell(tmp_path, run, 90, 9)
    table = results(read_cells(tmp_path), Story())
    assert [row.apart for row in table.rows] == ["a", "b"]
    assert table.about[0].notes == ("Not comparable: other prompts under a than under b.",)


def test_models_that_saw_a_set_at_other_sizes_are_not_held_against_each_other(tmp_path):
    write_cell(tmp_path, header("base", "scenes-colours", 60, resolution=56), 90, 0)
    write_cell(tmp_path, tuned("scenes-colours", 60, resolution=224), 90, 60)
    cells = read_cells(tmp_path)
    table = results(cells, story_of(cells, ()))
    assert [row.lead.above for row in table.rows] == ["", "chance"]
    assert "seen at 56 px (base) and at 224 px (tuned)" in table.about[0].text
    said = headline(cells, story_of(cells, ())).scope
    assert "scenes-colours: Not comparable: seen at 56 px (base) and at 224 px (tuned)." in said


def test_overlap_with_the_fine_tuning_set_stands_beside_every_set(tmp_path, capsys):
    write_cell(tmp_path, header("base", "scenes-colours", 40), 90, 0)
    seen = tuned("scenes-colours", 40, overlap={"tinyimagenet": 0.31})
    write_cell(tmp_path, seen, 90, 40)
    cells = read_cells(tmp_path)
    print_terminal(cells)
    shown = capsys.readouterr().out
    (row,) = [line for line in shown.splitlines() if line.startswith("   tuned")]
    assert " seen " in shown and row.split()[-1] == "31"
    assert "percent of the classes that the fine-tuning set has too" in " ".join(shown.split())
    assert '<td class="n" data-is="seen">31</td>' in render(tmp_path)


def test_the_word_of_overlap_still_fits_beside_two_attacks(tmp_path, capsys):
    for attack in ("apgd-ce+t", "pgd"):
        run = tuned(
            "scenes-backgrounds", 150, overlap={"tinyimagenet": 1.0},
            protocol=protocol(attack, attack), warnings=("a", "b"), notes=("c",),
        )  # fmt: skip
        write_cell(tmp_path, run, 100, 99)
    print_terminal(read_cells(tmp_path))
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    at = next(number for number, line in enumerate(lines) if line.startswith("   tuned"))
    assert lines[at].rstrip().endswith("seen 100")
    assert lines[at + 1].split() == ["[1][2]"]


def test_a_model_tuned_elsewhere_is_known_by_its_header(tmp_path):
    write_cell(tmp_path, header("base", "scenes-colours", 60), 90, 0)
    write_cell(tmp_path, tuned("scenes-colours", 60), 90, 60)
    cells = read_cells(tmp_path)
    told = story_of(cells, ())
    assert told.tuned_on == {"tuned": ("tinyimagenet",)}
    assert told.undefended(cells) == "base"
