"""Two processes that torchrun started are one training."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file
from tests.training.several_trainings import STEPS, TRAININGS, run_all
from tests.training.small_training import colours, recipe, run

from zsrobust.errors import InputError
from zsrobust.models.load import load_model
from zsrobust.objectives.catalogue import build_objective
from zsrobust.records.header import read_header
from zsrobust.testing.tiny_clip import tiny_clip
from zsrobust.training import parts
from zsrobust.workflows.finetune import finetune

ROOT = Path(__file__).parents[2]
FAST = ["tecoa", "ft-adv", "matched"]
LAUNCH = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
SCRIPT = """
import os, signal, sys
from pathlib import Path
from tests.training.several_trainings import run_all
from zsrobust.training import one_step

out = Path(sys.argv[1])
run_all(out / "two", sys.argv[2:])
update = one_step.update

def dying(optimizer, parts, lr, step):
    if step == 13 and os.environ["RANK"] == "1":
        os.kill(os.getpid(), signal.SIGKILL)
    return update(optimizer, parts, lr, step)

one_step.update = dying
run_all(out / "cut", ["tga-zsr"])
"""


def _launched(*arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*LAUNCH, *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=600,
    )


def _lines(out: Path, name: str = "log.jsonl") -> list[dict]:
    return [json.loads(text) for text in (out / name).read_text().splitlines()]


def _same_training(there: Path, here: Path) -> None:
    assert [line["step"] for line in _lines(there)] == list(range(STEPS))
    for one, other in zip(_lines(there), _lines(here), strict=True):
        assert one["terms"] == pytest.approx(other["terms"], rel=1e-7, abs=1e-9)
        assert one["total"] == pytest.approx(other["total"], rel=1e-7)
    (one,), (other,) = ((out / "final").glob("*.safetensors") for out in (there, here))
    weights = load_file(other)
    for name, value in load_file(one).items():
        assert value.numpy() == pytest.approx(weights[name].numpy(), abs=1e-6), name


def _two_are_one(folder: Path, names: list[str]) -> None:
    run_all(folder / "one", names)
    for name in names:
        _same_training(folder / "two" / name, folder / "one" / name)
        assert read_header(folder / "two" / name).processes == 2
        assert read_header(folder / "one" / name).processes == 1
        assert not (folder / "two" / name / "state").exists()


@pytest.fixture(scope="module")
def launched(tmp_path_factory) -> tuple[Path, str]:
    """The folder and the stderr of a launch: whole trainings, and one that loses a process."""
    folder = tmp_path_factory.mktemp("launched")
    (folder / "script.py").write_text(SCRIPT)
    done = _launched(folder / "script.py", folder, *FAST)
    assert done.returncode != 0
    return folder, done.stderr


def test_two_processes_have_the_loss_curve_and_the_weights_of_one(launched):
    """Without a look across the batch, with a contrast in it, and with a norm matched over it."""
    _two_are_one(launched[0], FAST)


@pytest.mark.slow
def test_every_kind_of_training_is_the_same_by_two_processes(tmp_path):
    names = [name for name in TRAININGS if name not in FAST]
    done = _launched("-m", "tests.training.several_trainings", tmp_path / "two", *names)
    assert done.returncode == 0, done.stderr
    _two_are_one(tmp_path, names)
    there, here = (tmp_path / count / "validated" for count in ("two", "one"))
    assert _lines(there, "validation.jsonl") == _lines(here, "validation.jsonl")
    assert load_model(there).card.notes == load_model(here).card.notes


@pytest.mark.slow
def test_the_command_speaks_with_one_voice(tmp_path):
    data = ["--model", "scenes-tiny", "--dataset", "scenes-objects", "--limit", "20"]
    short = ["--set", "steps=2", "--set", "batch_size=8", "--out", tmp_path / "run"]
    done = _launched("-m", "zsrobust", "train", "tecoa-quick", *data, *short)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("The model is in") == 1
    assert done.stderr.count("2/2") == 1
    wrong = _launched("-m", "zsrobust", "train", "tecoa-quik", *data, *short)
    assert wrong.returncode != 0
    assert wrong.stderr.count("zsrobust: Unknown recipe 'tecoa-quik'") == 1
    # A fault of the first alone: the other waits for it, and says nothing of its being gone.
    other = _launched("-m", "zsrobust", "train", "tecoa-quick", *data, *short, "--seed", 1)
    assert other.returncode != 0
    assert other.stderr.count("zsrobust: ") == 1, other.stderr
    assert "holds another run: seed 0 there, 1 here" in other.stderr


def test_a_lost_process_is_told_of_once_and_any_number_of_processes_goes_on(launched):
    folder, stderr = launched
    said = re.findall(r".*The same command continues from step \d+\.", stderr)
    assert len(said) == 1, stderr
    assert re.search(
        r"(After step 13: Lost contact with another process \(.+\)|"
        r"The launcher ended the training after step 13).*continues from step 12\.",
        said[0],
    )
    cut = folder / "cut" / "tga-zsr"
    assert not (cut / "final").exists()
    run_all(folder / "cut", ["tga-zsr"])
    run_all(folder / "whole", ["tga-zsr"])
    _same_training(cut, folder / "whole" / "tga-zsr")


def test_processes_that_were_never_launched_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="WORLD_SIZE = 2, but the processes do not meet"):
        finetune(recipe(), tiny_clip(), colours(), tmp_path / "run", device="cpu")
    with pytest.raises(InputError, match="WORLD_SIZE = 2, and 1 of them trains here"):
        run(tmp_path / "run")
    monkeypatch.setenv("WORLD_SIZE", "many")
    with pytest.raises(InputError, match="WORLD_SIZE = 'many'"):
        finetune(recipe(), tiny_clip(), colours(), tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()


def test_a_process_without_an_image_is_refused_where_the_loss_looks_across_the_batch(monkeypatch):
    from zsrobust.classifier.zero_shot import classifier_of

    classifier = classifier_of(tiny_clip(), colours().class_names)
    alone, across = (build_objective(kind, {}, classifier) for kind in ("tecoa", "ft-adv"))
    monkeypatch.setattr(parts, "process_count", lambda: 4)
    parts.refuse_parts(recipe(steps=9), alone, 18)
    parts.refuse_parts(recipe("ft-adv", steps=2), across, 18)  # never comes to the last batch
    with pytest.raises(InputError, match="18 images does not go to 4 processes: it has 2"):
        parts.refuse_parts(recipe("ft-adv", steps=3), across, 18)
    with pytest.raises(InputError, match="4 processes, and images in a batch: 3"):
        parts.refuse_parts(recipe(batch_size=3), alone, 18)
