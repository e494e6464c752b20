import json

import numpy as np
import pytest
from PIL import Image

from zsrobust.cli.main import main


@pytest.fixture
def photos(tmp_path):
    for label, name in enumerate(("cat", "dog")):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(2):
            rng = np.random.default_rng(10 * label + i)
            picture = Image.fromarray(rng.integers(0, 255, (40, 40, 3), dtype=np.uint8))
            picture.save(tmp_path / "photos" / name / f"{i}.png")
    return tmp_path / "photos"


@pytest.mark.parametrize(
    "command",
    [
        "quickstart",
        "evaluate",
        "train",
        "report",
        "models",
        "datasets",
        "suites",
        "protocols",
        "recipes",
        "env",
    ],
)
def test_help_is_readable_at_80_columns(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main([command, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 5
    assert max(len(line) for line in lines) <= 80


@pytest.mark.parametrize("command", ["models", "datasets", "protocols", "recipes"])
def test_what_is_known_by_name_is_listed_shown_and_given_as_json(command, capsys):
    assert main([command]) == 0
    assert capsys.readouterr().out.strip()
    assert main([command, "--json"]) == 0
    names = list(json.loads(capsys.readouterr().out))
    assert names
    assert main([command, names[-1]]) == 0
    assert capsys.readouterr().out.strip()
    assert main([command, names[-1], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)
    assert main([command, "nonsense"]) == 2
    assert "Unknown" in capsys.readouterr().err


def test_env_prints_what_a_bug_report_needs(capsys):
    assert main(["env"]) == 0
    assert "torch" in capsys.readouterr().out
    assert main(["env", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["zsrobust"]


def test_evaluate_and_report_work_on_a_folder_of_ones_own(tiny_folder, photos, tmp_path, capsys):
    out = tmp_path / "out"
    command = ["evaluate", "--model", str(tiny_folder), "--dataset", str(photos), "--out", str(out)]
    assert main([*command, "--set", "steps=2"]) == 0
    printed = capsys.readouterr().out
    assert "photos" in printed and "n = 4 images" in printed
    lines = printed.replace(str(out), "OUT").splitlines()
    assert max(map(len, lines)) <= 80
    assert main([*command, "--set", "steps=2", "--json"]) == 0
    (run,) = json.loads(capsys.readouterr().out)
    assert run["summary"]["n"] == 4
    assert main(["report", str(out)]) == 0
    assert (out / "report.html").read_text().startswith("<!doctype html>")
    assert main(["report", str(out), "--json"]) == 0
    assert main([*command, "--set", "steps=3"]) == 2
    assert "holds another run: protocol" in capsys.readouterr().err


def test_train_writes_a_model_that_evaluate_takes(tiny_folder, tmp_path, capsys):
    out = tmp_path / "mine"
    command = ["train", "tecoa-quick", "--model", str(tiny_folder), "--dataset", "scenes-shapes"]
    short = ["--limit", "16", "--set", "steps=2", "--set", "batch_size=8"]
    assert main([*command, *short, "--out", str(out)]) == 0
    assert "Measure it" in capsys.readouterr().out
    assert main(["evaluate", "--model", str(out), "--dataset", "scenes-sizes", "--limit", "8",
                 "--protocol", "clean", "--out", str(tmp_path / "runs")]) == 0  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "scene-tiny", "--dataset", "scenes-sizes"], "Did you mean 'scenes-tiny'"),
        (["--model", "TINY", "--dataset", "scenes-size"], "Did you mean 'scenes-sizes'"),
        (["--model", "TINY", "--dataset", "nowhere/at/all"], "no such folder"),
        (["--model", "TINY", "--dataset", "scenes-sizes", "--protocol", "pgd"], "Unknown protocol"),
        (["--model", "TINY", "--dataset", "scenes-sizes", "--set", "eps=4"], "4/255"),
        (["--model", "TINY", "--dataset", "scenes-sizes", "--split", "dev"], "no split 'dev'"),
        (["--model", "TINY", "--dataset", "scenes-sizes", "--shard", "5/2"], "write k/K"),
        (["--model", "TINY", "--dataset", "scenes-sizes", "--limit", "0"], "limit = 0"),
        (["--model", "TINY", "--dataset", "scenes-sizes", "--batch-size", "x"], "--batch-size x"),
        (["--model", "TINY", "--dataset", "scenes-sizes", "--keep-images", "9"], "none, 64 or all"),
        (["--model", "TINY", "--dataset", "scenes-sizes", "--device", "tpu9"], "cannot be used"),
    ],
)
def test_bad_input_exits_2_with_one_clear_message_and_writes_nothing(
    arguments, said, tiny_folder, tmp_path, capsys
):
    filled = [str(tiny_folder) if word == "TINY" else word for word in arguments]
    assert main(["evaluate", *filled, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert not list((tmp_path / "out").rglob("*.parquet"))
    assert not list((tmp_path / "out").rglob("results.json"))


def test_an_empty_folder_has_nothing_to_report(tmp_path, capsys):
    assert main(["report", str(tmp_path)]) == 2
    assert "no finished run here" in capsys.readouterr().err


def test_a_fault_while_running_exits_1_and_a_traceback_is_shown_only_when_asked_for(
    tiny_folder, photos, tmp_path, capsys, monkeypatch
):
    command = ["evaluate", "--model", str(tiny_folder), "--dataset", str(photos)]
    from zsrobust.evaluation import evaluate as evaluation

    def fail(*_, **__):
        raise ValueError("a pipe burst")

    monkeypatch.setattr(evaluation, "measure_block", fail)
    assert main([*command, "--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert "ValueError: a pipe burst" in error and "Traceback" not in error
    assert main(["--traceback", *command, "--out", str(tmp_path / "out")]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_exits_130_and_says_how_to_go_on(
    tiny_folder, photos, tmp_path, capsys, monkeypatch
):
    from zsrobust.evaluation import evaluate as evaluation

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluation, "measure_block", interrupt)
    arguments = [
        "--model",
        str(tiny_folder),
        "--dataset",
        str(photos),
        "--out",
        str(tmp_path / "o"),
    ]
    assert main(["evaluate", *arguments]) == 130
    assert "continues where it stopped" in capsys.readouterr().err


def test_the_version_and_wrong_options_are_answered(capsys):
    assert main(["--version"]) == 0
    assert main(["evaluate", "--nonsense"]) == 2
    assert main([]) in (0, 2)
