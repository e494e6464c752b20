import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from tests.report.sample_runs import write_training

from zsrobust.cli.main import app
from zsrobust.errors import RunError
from zsrobust.records.intervals import rate
from zsrobust.report.cells import read_trainings
from zsrobust.report.page import write_page
from zsrobust.report.training_curves import thinned
from zsrobust.report.training_gap import gap_of, what_the_gap_says
from zsrobust.report.training_log import read_training_log
from zsrobust.report.training_table import ROWS, print_trainings, shown_validations
from zsrobust.report.training_words import how_far, what_was_trained


def write_validations(run, rows, n=10):
    """Rows of (step, clean, robust, clean seen, robust seen)."""
    with (run / "validation.jsonl").open("w") as file:
        for step, clean, robust, clean_seen, robust_seen in rows:
            part = {"clean": clean, "robust": robust, "n": n}
            seen = {"clean": clean_seen, "robust": robust_seen, "n": n}
            line = {"step": step, "score": (clean + robust) / 2, "validation": part}
            file.write(json.dumps({**line, "training": seen}) + "\n")


@pytest.fixture
def folder(tmp_path):
    run = write_training(tmp_path, "tuned", steps=20)
    write_validations(run, [(10, 0.8, 0.3, 0.9, 0.6), (20, 0.7, 0.2, 0.9, 0.5)])
    return tmp_path


@pytest.fixture
def log(folder):
    (training,) = read_trainings(folder)
    return read_training_log(training)


def rewrite_log(folder, **added):
    path = folder / "tuned" / "log.jsonl"
    lines = [json.loads(text) | added for text in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def printed(folder, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    print_trainings(read_trainings(folder))
    return capsys.readouterr().out


def test_a_training_alone_has_a_page_of_terms_rates_and_accuracies(folder):
    page = write_page(folder).read_text()
    assert page.count("<svg") == 3
    for words in ("learning rate", "images/s", "clean, held out", "robust, trained on"):
        assert words in page
    assert "zsrobust train tuned" in page
    assert re.search(r"after 10 steps, the best mean", page)
    assert re.search(r"80\.0<span class=\"ci\">49–94", page)  # Wilson, 8 of 10
    assert page.count(">kept</span>") == 1
    assert not re.search(r"<(script|link|img)", page)
    assert write_page(folder).read_text() == page


def test_without_validations_the_page_has_terms_and_rates(tmp_path):
    write_training(tmp_path, "tuned", steps=5)
    page = write_page(tmp_path).read_text()
    assert page.count("<svg") == 2
    assert "Validations" not in page


def test_a_run_that_has_not_logged_yet_has_a_page_all_the_same(tmp_path, capsys, monkeypatch):
    run = write_training(tmp_path, "tuned", steps=5)
    (run / "log.jsonl").unlink()
    assert "tuned: 0 of 5 steps" in write_page(tmp_path).read_text()
    assert "tuned: 0 of 5 steps" in printed(tmp_path, capsys, monkeypatch)


def test_several_trainings_share_a_page(folder):
    write_training(folder, "other", steps=5)
    page = write_page(folder).read_text()
    assert page.count("<h1>") == 2
    assert page.count("<svg") == 5


def test_the_first_of_the_best_validations_is_the_one_that_is_kept(log):
    assert log.best.step == 10
    assert log.best.robust["training"].value == pytest.approx(0.6)


def test_a_line_that_is_still_being_written_is_left_out(folder):
    path = folder / "tuned" / "log.jsonl"
    with path.open("a") as file:
        file.write('{"step": 20, "lr"')
    (training,) = read_trainings(folder)
    assert list(read_training_log(training).steps) == list(range(1, 21))


@pytest.mark.parametrize("name", ["log.jsonl", "validation.jsonl"])
@pytest.mark.parametrize("text", ['{"step": 1}\n', "[]\n", "no json\n"])
def test_a_damaged_file_is_named(folder, name, text):
    (folder / "tuned" / name).write_text(text)
    with pytest.raises(RunError, match=rf"{name}: not a training log .*train command again"):
        write_page(folder)


def test_the_cost_of_a_step_is_in_forwards_where_passes_were_counted(folder, log):
    assert log.cost is None
    rewrite_log(folder, passes={"forwards": 5.0, "input_backwards": 2.0, "full_backwards": 2.0})
    (training,) = read_trainings(folder)
    assert read_training_log(training).cost == 11.0
    page = write_page(folder).read_text()
    assert "a step costs 11 forwards an image" in page
    assert "inside the tower" not in page


def test_backwards_that_end_inside_the_tower_are_said_beside_the_cost(folder):
    counts = {"forwards": 3.0, "input_backwards": 2.0, "full_backwards": 0.0}
    rewrite_log(folder, passes={**counts, "partial_backwards": 1.0})
    said = "a step costs 5 forwards an image beside 1 backwards that end inside the tower"
    assert said in write_page(folder).read_text()


def test_how_far_a_training_is_follows_from_its_steps_or_its_epochs(folder):
    (training,) = read_trainings(folder)
    log = read_training_log(training)
    assert how_far(training, log) == "20 steps"
    content = {"epochs": 2, "batch_size": 100}
    protocol = training.header.protocol.model_copy(update={"content": content})
    header = training.header.model_copy(update={"protocol": protocol})
    assert how_far(replace(training, header=header), log) == "20 of 280 steps"  # 13,990 images


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            {"attack": {"norm": "linf", "eps": "2/255", "steps": 2}},
            "whole image tower; inner attack: pgd-2, eps 2/255;",
        ),
        ({"attack": {"norm": "l2", "eps": "0.5", "steps": 3}}, "pgd-3, eps 0.5 (L2);"),
        (
            {"attack": {"kind": "n-fgsm", "eps": "4/255", "steps": 2}},
            "inner attack: n-fgsm, eps 4/255;",
        ),
        (
            {"attack": {"kind": "none"}, "trainable": {"kind": "lora"}},
            "trained: lora; inner attack: none;",
        ),
    ],
)
def test_the_page_says_what_was_trained_and_against_what(folder, content, words):
    (training,) = read_trainings(folder)
    protocol = training.header.protocol.model_copy(update={"content": content})
    header = training.header.model_copy(update={"protocol": protocol})
    assert words in what_was_trained(replace(training, header=header))


def test_a_gap_has_the_interval_of_two_independent_shares():
    """Newcombe 1998, table II: 56/70 less 48/80 is 0.2, from 0.0524 to 0.3339."""
    gap = gap_of({"training": rate(56, 70), "validation": rate(48, 80)})
    assert gap.value == pytest.approx(0.2)
    assert (gap.interval.low, gap.interval.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert gap.seen


def test_overfitting_is_said_where_the_whole_interval_of_a_gap_lies_above_zero(folder):
    (training,) = read_trainings(folder)
    write_validations(training.path, [(20, 0.6, 0.2, 0.62, 0.4)], n=200)
    said = what_the_gap_says(read_training_log(training))
    assert said.startswith("Overfitting is seen. After 20 steps,")
    assert "+20 points (+11 to +29) in robust accuracy" in said
    assert "clean" not in said


def test_overfitting_is_not_said_of_a_gap_that_few_images_can_make(log):
    said = what_the_gap_says(log)
    assert said.startswith("Overfitting is not seen.")
    assert "which 10 and 10 images can hide" in said
    assert "+30 points (\N{MINUS SIGN}11 to +60) in robust accuracy" in said


def test_a_long_log_is_drawn_by_the_means_of_its_parts():
    steps, values = np.arange(1, 1201), np.tile([0.0, 1.0, 2.0], 400)
    drawn_steps, drawn = thinned(steps, values)
    assert len(drawn) == 400
    assert (drawn == 1.0).all()
    assert drawn_steps[0] == 2.0
    few = np.arange(7.0)
    assert thinned(few, few)[1] is few


def test_a_page_of_ten_epochs_stays_small(tmp_path):
    run = write_training(tmp_path, "tga-zsr", steps=7820)
    write_validations(run, [(step, 0.5, 0.2, 0.5, 0.2) for step in range(782, 7821, 782)])
    assert write_page(tmp_path).stat().st_size < 200_000


def test_the_terminal_says_all_at_80_columns(folder, capsys, monkeypatch):
    text = printed(folder, capsys, monkeypatch)
    assert max(map(len, text.splitlines())) <= 80
    for words in ("tuned: 20 steps", "adversarial cross entropy", "180 images/s"):
        assert words in text
    assert re.search(r"10 \(kept\) +80.0  \(49–94\) +90.0 +30.0 +\(11–60\) +60.0", text)
    assert "Overfitting is not seen." in text


def test_the_terminal_shows_few_of_many_validations_and_the_kept_one(folder):
    (training,) = read_trainings(folder)
    rows = [(step, 0.5, 0.9 if step == 7 else 0.2, 0.5, 0.2) for step in range(1, 101)]
    write_validations(training.path, rows)
    shown = [one.step for one in shown_validations(read_training_log(training))]
    assert len(shown) == ROWS
    assert shown[0] == 1
    assert shown[-1] == 100
    assert 7 in shown
    assert shown == sorted(shown)


def test_the_command_prints_a_training_or_names_it_as_json(folder, capsys):
    app(["report", str(folder)], standalone_mode=False)
    assert "tuned: 20 steps" in capsys.readouterr().out
    app(["report", str(folder), "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["runs"] == [str(folder / "tuned")]


def test_no_training_needs_torch_to_be_reported(folder):
    code = (
        "import sys; from pathlib import Path; from zsrobust.report.page import write_page; "
        "from zsrobust.report.cells import read_trainings; "
        "from zsrobust.report.training_table import print_trainings; "
        "folder = Path(sys.argv[1]); write_page(folder); print_trainings(read_trainings(folder)); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, capture_output=True)
