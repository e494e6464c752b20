"""`zsrobust selfcheck`."""

import json
from dataclasses import replace

import pytest

from zsrobust.cli.main import main
from zsrobust.selfcheck import run
from zsrobust.selfcheck.result import read_result


@pytest.fixture
def small(monkeypatch):
    """Fewer steps than the command takes, so that it ends in seconds."""
    wanted = run.Plan(
        n=20, queries=20, steps=2, apgd_steps=2, more_steps=3, restarts=1, batches=(1, 8),
        radii=("0", "4/255", "255/255"), bf16_images=8, fp16_images=8,
    )  # fmt: skip
    monkeypatch.setattr(run, "Plan", lambda batch_size: replace(wanted, batch_size=batch_size))


def command(model, out, *more):
    folder = ["--dataset", "scenes-shapes", "--limit", "20", "--out", str(out)]
    return ["selfcheck", "--model", str(model), *folder, "--minutes", "0.001", *more]


def test_help_is_readable_at_80_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["selfcheck", "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 10 and max(map(len, lines)) <= 80


def test_it_prints_a_table_and_a_verdict_and_writes_record_and_page(
    small, tiny_folder, tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(command(tiny_folder, tmp_path)) == 0
    printed = capsys.readouterr()
    assert "n = 20 images, Square with 500 queries" in printed.err
    assert max(map(len, printed.out.splitlines()[:-1])) <= 80
    result = read_result(tmp_path)
    assert result.verdict.line[:40] in printed.out
    for said in ("eps/255", "kept %", "nothing kept at 255/255", "batch 1, 8"):
        assert said in printed.out
    page = (tmp_path / "selfcheck.html").read_text()
    assert page.startswith("<!doctype html>") and "<svg" in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_json_is_the_record(small, tiny_folder, tmp_path, capsys):
    assert main(command(tiny_folder, tmp_path, "--json")) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == read_result(tmp_path).model_dump(mode="json")
    assert len(printed["ids"]) == 20


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--minutes", "0"], "minutes = 0: give more than 0"),
        (["--eps", "4"], 'Did you mean "4/255"'),
        (["--eps", "0"], "give a radius above 0"),
        (["--limit", "0"], "limit = 0"),
        (["--dataset", "scenes-size"], "Did you mean 'scenes-sizes'"),
        (["--model", "scene-tiny"], "Did you mean 'scenes-tiny'"),
        (["--device", "tpu9"], "cannot be used"),
    ],
)
def test_bad_input_exits_2_with_one_clear_line_and_writes_nothing(
    more, said, tiny_folder, tmp_path, capsys
):
    assert main(command(tiny_folder, tmp_path / "out", *more)) == 2
    error = capsys.readouterr().err
    assert said in error and "Traceback" not in error
    assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
