"""Suites on the command line."""

import json

import pytest

from zsrobust.cli.main import main
from zsrobust.data.suites import load_suite, suite_names


@pytest.fixture(autouse=True)
def eighty(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def test_suites_are_listed_shown_and_given_as_json(capsys):
    assert main(["suites"]) == 0
    listed = capsys.readouterr().out
    assert max(map(len, listed.splitlines())) <= 80
    assert main(["suites", "tga16"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    for name in suite_names():
        assert name in listed
    for member in load_suite("tga16").members:
        assert member.dataset in shown
    assert main(["suites", "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)) == suite_names()
    assert main(["suites", "tga16", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["members"]) == 16
    assert main(["suites", "tga61"]) == 2
    assert "Did you mean 'tga16'" in capsys.readouterr().err


def test_a_suite_is_evaluated_set_by_set_and_its_mean_is_shown(tiny_folder, tmp_path, capsys):
    command = ["evaluate", "--model", str(tiny_folder), "--dataset", "suite:scenes", "--limit", "4"]
    short = ["--protocol", "pgd-20", "--set", "steps=1", "--out", str(tmp_path)]
    assert main([*command, *short]) == 0
    shown = capsys.readouterr().out
    members = load_suite("scenes").members
    assert "Means over scenes under pgd-20" in shown
    assert len(list(tmp_path.glob("*/run.json"))) == len(members)
    headers = [json.loads(path.read_text()) for path in tmp_path.glob("*/run.json")]
    assert {header["suite"] for header in headers} == {"scenes"}
    assert main(["report", str(tmp_path)]) == 0
    assert "Means over scenes" in (tmp_path / "report.html").read_text()
    assert main(["report", str(tmp_path), "--suite", "scene"]) == 2
    assert "Did you mean 'scenes'" in capsys.readouterr().err


def test_nothing_runs_where_members_are_missing(tiny_folder, tmp_path, capsys):
    command = ["evaluate", "--model", str(tiny_folder), "--dataset", "tga16", "--data-root"]
    assert main([*command, str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "16 of 16 sets are missing" in said and "Traceback" not in said
    assert not (tmp_path / "out").exists()


def test_a_single_set_takes_a_split_and_prompts(tiny_folder, tmp_path):
    command = ["evaluate", "--model", str(tiny_folder), "--dataset", "scenes-sizes"]
    options = ["--split", "train", "--prompts", "single", "--limit", "4", "--protocol", "clean"]
    assert main([*command, *options, "--out", str(tmp_path)]) == 0
    (path,) = tmp_path.glob("*/run.json")
    said = json.loads(path.read_text())["dataset"]
    assert (said["split"], said["prompts"], len(said["templates"])) == ("train", "single", 1)
