"""The table of a model card holds what a reader of its numbers has to know."""

from tests.report.sample_runs import header, write_cell
from tests.report.test_about import FAULT, protocol, tuned

from zsrobust.report.card_table import TITLES, card_table
from zsrobust.report.cells import read_cells


def test_each_attack_has_a_line_and_label_faults_stand_below(tmp_path):
    for attack in ("apgd-ce+t", "pgd"):
        run = tuned(
            "scenes-colours", 40, notes=(FAULT,), variant="miniature", resolution=56,
            overlap={"tinyimagenet": 0.25}, protocol=protocol(attack, attack),
            warnings=("The canary sings.",),
        )  # fmt: skip
        write_cell(tmp_path, run, 90, 10)
    lines = card_table(read_cells(tmp_path)).splitlines()
    assert lines[0] == f"| {' | '.join(TITLES)} |"
    assert all(line.count("|") == len(TITLES) + 1 for line in lines[:4])
    assert lines[2] == (
        "| scenes-colours [a] | test (miniature) | 40 | 56 px | 90.0 (77–96) | apgd-ce+t | 1/255 | "
        "10.0 (4–23) | 10 | 25 % of the classes are in the fine-tuning set [1] |"
    )
    assert lines[5:] == [
        f"- [a] scenes-colours: A miniature, not the official images. {FAULT}",
        "- [1] The canary sings.",
    ]


def test_a_clean_run_has_a_line_without_attack(tmp_path):
    write_cell(tmp_path, header("m", "scenes-colours", 40, ()), 90, 10)
    line = card_table(read_cells(tmp_path)).splitlines()[2]
    assert line.startswith("| scenes-colours | test (subset) | 40 |  | 90.0 (77–96) | – | – | – |")


def test_images_without_labels_have_no_place_among_accuracies(tmp_path):
    write_cell(tmp_path, header("m", "scenes-colours", 40, labelled=False), 100, 25)
    assert len(card_table(read_cells(tmp_path)).splitlines()) == 2
    assert card_table([]) == ""
