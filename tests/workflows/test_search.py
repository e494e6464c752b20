"""Settings chosen on training images that no trial learns from, by clean and robust accuracy."""

import json
import re
from dataclasses import replace

import pytest
import yaml
from tests.training.small_training import colours, weights
from tests.workflows.small_search import run, short

from zsrobust.cli.main import main
from zsrobust.errors import InputError, RunError, RunFolderError
from zsrobust.evaluation.evaluate import evaluate
from zsrobust.models.load import load_model
from zsrobust.records.header import read_header
from zsrobust.records.intervals import wilson
from zsrobust.training.recipe import load_recipe
from zsrobust.training.subset import held_out
from zsrobust.workflows.search_table import table_rows, table_words, trial_words


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Three of four trials, told apart: the higher rate learns the colours."""
    out = tmp_path_factory.mktemp("search") / "out"
    return run(
        out, dataset=colours(30), images=9, grid=["lr=0.003,0.3", "batch_size=4,8"], trials=3
    )


def test_every_trial_is_trained_and_measured_on_images_held_out(done):
    rest, out = held_out(colours(30), 9, seed=0)
    assert len(done.record.trials) == 3
    for trial in done.record.trials:
        trained = read_header(done.path / trial.folder)
        measured = read_header(done.path / trial.measured)
        assert trained.dataset.hash == rest.variant_hash()
        assert measured.dataset.hash == out.variant_hash()
        assert measured.dataset.split == "train, held out"
        assert trained.protocol.hash == trial.recipe_hash
        assert (measured.protocol.name, measured.protocol.content["eps"]) == ("apgd-ce", ["4/255"])
        assert trial.steps == 3


def test_the_score_is_the_mean_of_clean_and_robust_accuracy_and_the_best_is_kept(done):
    images = replace(held_out(colours(30), 9, seed=0)[1], templates=tuple(short().templates))
    for trial in done.record.trials:
        alone = evaluate(
            done.path / trial.folder, images, "pgd-20-eps4", done.path.parent / "alone",
            device="cpu",
        ).summary  # fmt: skip
        assert trial.clean == alone.clean_accuracy
        assert trial.clean.value == trial.clean_right / 9
        assert trial.robust.value <= alone.by_eps[0].robust_accuracy.value
        assert trial.robust.interval == wilson(trial.robust_right, 9)
        assert trial.score == pytest.approx((trial.clean_right + trial.robust_right) / 18)
    scores = {trial.name: trial.score for trial in done.record.trials}
    assert len(set(scores.values())) > 1
    assert done.record.ranked[0].score == max(scores.values())
    assert done.record.ranked[0].values["optimizer.lr"] == "0.3"
    assert done.best == done.path / done.record.best
    assert done.record.best == done.record.ranked[0].folder
    assert load_model(done.best, "cpu").name == done.record.ranked[0].name


def test_what_is_written_says_all_of_it(done):
    said = json.loads((done.path / "search.json").read_text())
    assert said["grid"] == {"optimizer.lr": ["0.003", "0.3"], "batch_size": ["4", "8"]}
    assert (said["seed"], said["n"], said["best"]) == (0, 9, done.record.best)
    assert said["recipe"]["hash"] == short().hash
    assert said["validation"]["split"] == "train, held out"
    assert {trial["state"] for trial in said["trials"]} == {"finished"}
    labels = held_out(colours(30), 9, seed=0)[1].labels
    assert said["chance"] == max(map(labels.count, labels)) / 9


def test_the_best_recipe_can_be_trained_and_is_that_of_the_best_trial(done, tmp_path):
    best = done.path / "best.yaml"
    assert load_recipe(best).hash == done.record.ranked[0].recipe_hash
    first, *_ = best.read_text().splitlines()
    assert first == (f"# zsrobust train {best} --model tiny-clip --dataset colours --out runs/best")
    assert "did not learn from those images" in " ".join(best.read_text().split("\n# "))
    assert "chosen among 0.003, 0.3" in best.read_text()


def test_a_recipe_by_name_keeps_its_comments(tmp_path):
    found = run(
        tmp_path / "out", recipe="tga-zsr-quick", trials=2,
        grid=["alpha=0.04,0.08", "trainable={last-tensors: 2},{last-tensors: 3}"],
        overrides=["steps=2", "batch_size=4"],
    )  # fmt: skip
    text = (found.path / "best.yaml").read_text()
    assert yaml.safe_load(text)["steps"] == 2
    assert "chosen among 0.04, 0.08" in text
    assert re.search(r"last-tensors: \d  # chosen among {last-tensors: 2}, {last-te", text)
    assert f"chose: {found.record.ranked[0].choice}, the" in " ".join(text.split("\n# "))
    assert load_recipe(found.path / "best.yaml").hash == found.record.ranked[0].recipe_hash
    assert read_header(found.best).overrides[:2] == ("steps=2", "batch_size=4")
    assert main(["recipes", "show", str(found.path / "best.yaml")]) == 0


class Stop(Exception):
    """A kill, between two trials."""


def test_the_same_call_continues_and_runs_no_finished_trial_again(tmp_path):
    def stop(record, trial):
        raise Stop

    with pytest.raises(Stop):
        run(tmp_path / "out", on_trial=stop)
    record = json.loads((tmp_path / "out" / "search.json").read_text())
    first, second = record["trials"]
    assert (first["state"], second["state"]) == ("finished", "to come")
    assert not (tmp_path / "out" / "best.yaml").exists()
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out" / first["folder"]).rglob("*")}
    heard = []
    there = run(tmp_path / "out", on_trial=lambda record, trial: heard.append(trial.name))
    assert heard == [second["name"]]
    assert before == {p: p.stat().st_mtime_ns for p in before}
    straight = run(tmp_path / "straight")
    assert there.record.trials == straight.record.trials
    assert weights(load_model(there.best, "cpu")) == weights(load_model(straight.best, "cpu"))
    run(tmp_path / "out", on_trial=stop)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"grid": ["lr=0.001,0.004"]}, r"grid optimizer\.lr=0\.001,0\.003 there"),
        ({"seed": 1}, "seed 0 there, 1 here"),
        ({"recipe": short(batch_size=4)}, "recipe tecoa"),
        ({"trials": 1}, "trials 2 there, 1 here"),
        ({"images": 5}, "validation images colours"),
        ({"eps": "8/255"}, "protocol apgd-ce"),
    ],
    ids=["grid", "seed", "recipe", "trials", "images", "eps"],
)
def test_the_folder_of_another_search_is_refused(changes, said, tmp_path_factory):
    out = tmp_path_factory.getbasetemp() / "one-search"
    run(out)
    with pytest.raises(RunFolderError, match=f"holds another search: .*{said}"):
        run(out, **changes)


def test_a_folder_of_other_things_is_refused_before_any_training(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(RunFolderError, match=r"other files \(letter\.txt\)"):
        run(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "search.json").write_text("{}")
    with pytest.raises(RunFolderError, match="not a record of a search"):
        run(tmp_path / "out")


def test_a_trial_that_diverges_is_a_row_and_not_the_end(tmp_path):
    found = run(tmp_path / "out", grid=["lr=1e25,0.003"])
    states = {trial.values["optimizer.lr"]: trial.state for trial in found.record.trials}
    assert states == {"1e25": "diverged", "0.003": "finished"}
    assert found.record.best == "trials/lr=0.003"
    last = found.record.ranked[-1]
    assert "not finite" in last.said
    row = table_rows(found.record)[-1]
    assert (row["values"], row["clean %"], row[""]) == ("lr=1e25", "–", "diverged")
    assert "lr=1e25 diverged: step 1: the loss" in trial_words(found.record, last)
    with pytest.raises(RunError, match="Every trial diverged; lr=1e2"):
        run(tmp_path / "none", grid=["lr=1e25,1e26"])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"images": 0}, "--images 0"),
        ({"images": 20}, r"colours has 20 training images"),
        ({"trials": 3}, "--trials 3: the grid has 2 points"),
        ({"grid": ["lr=0.001,wide"]}, r"optimizer\.lr = 'wide'"),
        ({"eps": "4"}, "4 exceeds 1"),
    ],
)
def test_what_cannot_be_searched_is_said_before_anything_is_written(tmp_path, changes, said):
    with pytest.raises(InputError, match=said):
        run(tmp_path / "out", **changes)
    assert not (tmp_path / "out").exists()


def test_a_launcher_of_many_processes_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="a search runs in one process"):
        run(tmp_path / "out")


def test_the_table_begins_with_the_best_and_says_what_n_can_tell(done):
    rows = table_rows(done.record)
    assert [row[""].split(" ")[0] for row in rows].count("best") == 1
    assert rows[0][""].startswith("best")
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    said = table_words(done.record)
    assert "n = 9 images of colours, split train, held out; chance" in said
    half = 50 * (wilson(4, 9).high - wilson(4, 9).low)
    assert f"up to {half:.1f} points to either side" in said
    assert said.endswith("Told apart from the best: 1 of 2.")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (("1e-4", "2e-4", "0.001"), " lr = 0.001 is at an end of its grid: a wider one may hold"),
        (("0.0001", "0.001", "1e-2"), None),
        (("0.001", "1e-2"), None),
        (("sgd", "adamw", "0.001"), None),
    ],
    ids=["largest", "between", "two values have no inside", "words"],
)
def test_a_best_value_at_an_end_of_its_grid_is_pointed_out(done, values, said):
    best = next(trial for trial in done.record.trials if trial.folder == done.record.best)
    chosen = best.model_copy(update={"values": {"optimizer.lr": "0.001"}})
    record = done.record.with_trial(chosen).model_copy(update={"grid": {"optimizer.lr": values}})
    assert (said in table_words(record)) if said else ("grid" not in table_words(record))
