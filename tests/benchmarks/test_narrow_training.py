"""The comparison on a narrow set: a tiny study from end to end, its processes, its arithmetic."""

import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import yaml

import narrow_running
from narrow_cells import Cell, Plan, with_needs
from narrow_results import read_measured
from narrow_running import Runner
from narrow_study import load_study
from narrow_table import tables
from narrow_training import STUDY, main
from zsrobust.cli.main import main as command_line
from zsrobust.data.catalogue import dataset_entry, load_dataset
from zsrobust.data.overlap import class_names_of
from zsrobust.data.readers.names import read_class_names
from zsrobust.errors import SettingsError
from zsrobust.randomness import key_seed
from zsrobust.records.record import clean_right
from zsrobust.records.store import read_records, records_folder
from zsrobust.training.recipe import load_recipe
from zsrobust.workflows.search_grid import draw, parse_points, read_grid

PROTOCOL = {"source": "this test", "eps": ["4/255"], "attack": "pgd", "steps": 2}
TINY = {
    "base": "scenes-tiny",
    "dataset": "scenes-objects",
    "classes": "classes.txt",
    "eps": "4/255",
    "protocol": "two-steps.yaml",
    "training": {"batch_size": 8, "steps": 2, "warmup_steps": 1},
    "attack": {"steps": 1, "step_size": "eps"},
    "search": {"trials": 2, "images": 8},
    "seeds": 2,
    "evaluation": {
        "datasets": ["scenes-objects", "scenes-colours", "scenes-positions"],
        "images": 12,
        "images_of_trained": 16,
    },
    "interpolation": {"method": "tecoa", "clean_weights": [0.5]},
    "methods": [
        {
            "name": "ft-clean",
            "title": "FT-Clean",
            "recipe": "ft-clean-quick",
            "attacked": False,
            "grid": ["lr=1e-4,2e-4,4e-4"],
        },
        {
            "name": "tecoa",
            "title": "TeCoA",
            "recipe": "tecoa-quick",
            "seeds": True,
            "grid": ["lr=1e-4,4e-4"],
        },
    ],
}
MODELS = [
    "Undefended", "FT-Clean", "TeCoA", "TeCoA, seed 1", "TeCoA, 2 seeds †",
    "TeCoA, 50 % of the base", "Chance",
]  # fmt: skip


class Here:
    """A command run in this process: importing torch eight times would take most of the test."""

    def __init__(self, command, stdout, stderr, env):
        assert env["OMP_NUM_THREADS"] == "1"
        assert command[:3] == [sys.executable, "-m", "zsrobust"]
        with redirect_stdout(stdout), redirect_stderr(stderr):
            self.returncode = command_line(command[3:])

    def poll(self):
        return self.returncode


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """The working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_study(folder: Path, **changes) -> Path:
    images = load_dataset("scenes-objects", split="test").first(16)
    learned = [images.class_names[label] for label in images.labels[:8]]
    (folder / "classes.txt").write_text("\n".join(dict.fromkeys(learned)) + "\n")
    (folder / "two-steps.yaml").write_text(yaml.safe_dump(PROTOCOL))
    (folder / "study.yaml").write_text(yaml.safe_dump({**TINY, **changes}))
    return folder / "study.yaml"


def command(monkeypatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["narrow_training.py", "--study", "study.yaml", *words])
    return main()


def rows(text: str, heading: str) -> dict[str, list[str]]:
    """The rows under the heading that begins so, by their first cell."""
    lines = [*text.splitlines(), ""]
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {heading}"))
    end = lines.index("", start)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[start:end]]
    return {row[0]: row[1:] for row in cells[2:]}


def test_a_study_goes_through_all_stages_and_is_not_run_again(monkeypatch, folder, capsys):
    write_study(folder)
    monkeypatch.setattr(narrow_running.subprocess, "Popen", Here)
    assert command(monkeypatch, "--out", "runs", "--jobs", "1") == 0
    said = capsys.readouterr().out
    text = Path("runs/table.md").read_text()
    assert text in said
    assert said.count("start  ") == said.count("done   ") == 13

    means = rows(text, "model | clean, mean of 1")
    learned = rows(text, "model | learned clean")
    pair = rows(text, "model | scenes-objects clean")
    last = rows(text, "model | scenes-positions clean")
    assert list(means) == list(learned) == list(pair) == list(last) == MODELS
    shown = [row for table in (means, learned, pair, last) for row in table.values()]
    assert not any("–" in row for row in shown)

    # What is learned and what is not, counted again from the records.
    (run,) = Path("runs/evaluations/undefended").glob("scenes-tiny--scenes-objects--*")
    right = {record.id: clean_right(record) for record in read_records(records_folder(run))}
    ids = load_dataset("scenes-objects", split="test").first(16).ids
    for place, part in ((0, ids[:8]), (2, ids[8:])):
        share = 100 * sum(right[image] for image in part) / 8
        assert learned["Undefended"][place].startswith(f"{share:.1f} (")

    # Of positions the undefended model knows nothing: shown, and in no mean.
    assert "Means are over scenes-colours, without scenes-objects. scenes-positions takes" in text
    for model in MODELS[:4]:
        colours, mean = pair[model][2], means[model][0]
        assert colours.split(" ")[0] == mean.split(" ")[0]
    images = rows(text, "on | n | clean")
    assert {name: row[0] for name, row in images.items()} == {
        "mean of sets": "12", "learned": "8", "others": "8",
        "scenes-objects": "12", "scenes-colours": "12", "scenes-positions": "12",
    }  # fmt: skip
    assert rows(text, "on | df")["mean of sets"][0] == "1"
    chosen = rows(text, "method | trials")
    assert list(chosen) == ["FT-Clean", "TeCoA"]
    assert all(row[0] == "2" and row[1].startswith("lr ") for row in chosen.values())
    assert all(len(line) <= 100 for line in text.splitlines())

    monkeypatch.setattr(narrow_running.subprocess, "Popen", None)
    assert command(monkeypatch, "--out", "runs", "--jobs", "1") == 0
    again = capsys.readouterr().out
    assert "0 of 13 cells to run" in again
    assert text in again


def test_what_is_not_measured_is_a_gap(folder):
    study = load_study(write_study(folder))
    plan = Plan(study, folder / "runs", ("scenes-objects", "scenes-colours"))
    text = tables(read_measured(plan), Runner(plan.out, 1))
    assert rows(text, "model | clean, mean of 0")["TeCoA"] == ["–", "–"]
    assert rows(text, "model | scenes-objects")["TeCoA, 2 seeds †"] == ["–"] * 4
    assert rows(text, "method")["TeCoA"] == ["–"] * 5
    assert "scenes-positions is not measured" in text.replace("\n", " ")
    assert "Not on the disk: scenes-positions." in text
    assert "Not finished: evaluate--undefended" in text


def test_a_failed_cell_is_named_and_what_needs_it_is_left_while_others_go_on(tmp_path):
    said: list[str] = []
    runner = Runner(tmp_path, 2, say=said.append)
    cells = [
        Cell("bad", ("protocols", "pgd-21")),
        Cell("after", ("--version",), needs=("bad",)),
        Cell("good", ("--version",)),
        Cell("then", ("--version",), needs=("good",)),
    ]
    runner.run(cells)
    assert set(runner.failed) == {"bad", "after"}
    assert "exit code 2: zsrobust: Unknown protocol 'pgd-21'" in runner.failed["bad"]
    assert runner.failed["after"] == "needs bad"
    assert [runner.finished(cell) for cell in cells] == [False, False, True, True]
    assert said.index("start  then") > next(i for i, s in enumerate(said) if "done   good" in s)
    assert (tmp_path / "logs" / "good.log").read_text().startswith("$ zsrobust --version\n")


def test_a_cell_with_other_arguments_is_another_and_its_place_is_no_part_of_it(tmp_path):
    runner = Runner(tmp_path, 1, say=lambda _: None)
    runner.run([Cell("a", ("--version",))])
    assert runner.finished(Cell("a", ("--version",), place=("--device", "cuda")))
    assert not runner.finished(Cell("a", ("--version", "--json")))


def test_stopping_ends_the_processes_and_keeps_their_seconds(monkeypatch, tmp_path):
    started = []

    class Kept(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            started.append(self)

    def interrupt(line: str) -> None:
        if line.startswith("done"):
            raise KeyboardInterrupt

    monkeypatch.setattr(narrow_running.subprocess, "Popen", Kept)
    runner = Runner(tmp_path, 2, say=interrupt)
    long = Cell("long", ("quickstart", "--out", str(tmp_path / "long")))
    with pytest.raises(KeyboardInterrupt):
        runner.run([long, Cell("short", ("--version",))])
    assert all(process.poll() is not None for process in started)
    assert runner.kept(long)["finished"] is False
    assert runner.kept(long)["seconds"] > 0


def test_only_brings_what_it_needs(folder):
    plan = Plan(load_study(write_study(folder)), folder, ("scenes-colours",))
    names = [cell.name for cell in with_needs(plan.cells, "interpolate")]
    assert names == ["search--tecoa", "interpolate--tecoa-mixed-0.5--first-12"]


def test_a_study_whose_protocol_has_another_radius_is_refused(folder):
    path = write_study(folder, eps="2/255")
    with pytest.raises(SettingsError, match="attacks at 4/255, not at the study's eps"):
        load_study(path)


def test_a_mixture_of_no_method_is_refused(folder):
    path = write_study(folder, interpolation={"method": "fare", "clean_weights": [0.5]})
    with pytest.raises(SettingsError, match="= fare is none of ft-clean, tecoa"):
        load_study(path)


def test_the_study_that_ships_ends_within_five_hours_on_two_cores():
    study = load_study(STUDY)
    plan = Plan(study, Path("runs"), tuple(study.evaluation.datasets))
    assert sum(cell.seconds for cell in plan.cells) / 2 < 5 * 3600
    assert len({cell.name for cell in plan.cells}) == len(plan.cells)


@pytest.mark.parametrize("method", load_study(STUDY).methods, ids=lambda method: method.name)
def test_each_method_that_ships_draws_as_many_trials_of_the_same_training(method):
    study = load_study(STUDY)
    settings = study.settings(method)
    recipe = load_recipe(method.recipe, settings)
    points = draw(read_grid(method.grid, recipe), study.search.trials, 0)
    for parsed in parse_points(points, method.recipe, settings):
        assert (parsed.batch_size, parsed.steps) == (128, 156)
        assert parsed.attack.kind == ("pgd" if method.attacked else "none")
        if method.attacked:
            assert (parsed.attack.eps, parsed.attack.steps) == (study.eps, 2)
    assert len(points) == study.search.trials


def test_the_narrow_classes_are_those_of_the_smallest_hash():
    names = class_names_of("tinyimagenet", dataset_entry("tinyimagenet"))
    chosen = sorted(names, key=lambda name: key_seed(0, "class", name))[:40]
    assert set(read_class_names(STUDY.with_name("narrow_classes.txt"))) == set(chosen)
