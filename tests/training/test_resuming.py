import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from tests.training.small_training import colours, recipe, run, weights

from zsrobust.models.load import load_model
from zsrobust.models.model import Model
from zsrobust.testing.tiny_clip import tiny_clip
from zsrobust.workflows.finetune import finetune

STEPS = 24
PARTS = {"accumulate": 2, "validation": {"images": 5, "every": 6, "attack": "margin-pgd-20"}}
SCRIPT = """
import sys
import torch
torch.set_num_threads(1)
from pathlib import Path
from tests.training.test_resuming import whole_run
from zsrobust.training import loop, one_step

def saying(word, call):
    def say(*inputs, **options):
        print(word, flush=True)
        return call(*inputs, **options)
    return say

one_step.update = saying("update", one_step.update)
loop.append_validation = saying("validated", loop.append_validation)
loop.save_state = saying("saving", loop.save_state)
whole_run(Path(sys.argv[1]), int(sys.argv[2]))
"""


def whole_run(out: Path, steps: int) -> Model:
    """Two parts a batch, and a validation every six steps."""
    chosen = recipe("tga-zsr", steps=steps, checkpoint_every=4, **PARTS)
    return finetune(chosen, tiny_clip(), colours(), out, device="cpu")


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def _killed_after(step: int):
    def hear(line):
        if line.step == step:
            raise Killed

    return hear


def _steps(out: Path) -> list[int]:
    return [json.loads(text)["step"] for text in (out / "log.jsonl").read_text().splitlines()]


def _start(out: Path, steps: int) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(out), str(steps)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_a_run_stopped_at_several_steps_ends_with_the_same_bits(tmp_path, kind):
    chosen = recipe("tga-zsr", steps=14, optimizer={"kind": kind, "lr": 0.003})
    whole = run(tmp_path / "whole", chosen)
    for step in (0, 1, 2, 4, 9, 13):
        with pytest.raises(Killed):
            run(tmp_path / "cut", chosen, on_step=_killed_after(step))
    assert weights(run(tmp_path / "cut", chosen)) == weights(whole)
    assert _steps(tmp_path / "cut") == list(range(14))


def test_a_resumed_run_begins_at_its_last_state(tmp_path):
    with pytest.raises(Killed):
        run(tmp_path / "run", on_step=_killed_after(4))
    heard = []
    run(tmp_path / "run", on_step=lambda line: heard.append(line.step))
    assert heard == [4, 5, 6]


def test_a_run_killed_while_its_model_is_written_finishes(tmp_path, monkeypatch):
    whole, replace = run(tmp_path / "whole"), os.replace

    def killed(source, target):
        if Path(target).name == "final":
            raise Killed
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(Killed):
            run(tmp_path / "cut")
    assert (tmp_path / "cut" / ".final.partial").exists()
    assert not (tmp_path / "cut" / "final").exists()
    assert weights(run(tmp_path / "cut")) == weights(whole)
    assert not (tmp_path / "cut" / ".final.partial").exists()


def test_sigkill_in_an_update_a_validation_and_a_save_leaves_no_trace(tmp_path, uninterrupted):
    for word, times in (("update", 3), ("validated", 2), ("saving", 1)):
        process = _start(tmp_path / "cut", STEPS)
        heard = (line for line in process.stdout if line.strip() == word)
        assert [next(heard, "") for _ in range(times)] == [f"{word}\n"] * times
        process.kill()
        assert process.wait() == -signal.SIGKILL
        assert not (tmp_path / "cut" / "final").exists()
    there = whole_run(tmp_path / "cut", STEPS)
    _same(tmp_path / "cut", there, uninterrupted)


@pytest.mark.slow
def test_ten_kills_at_random_moments_leave_no_trace(tmp_path):
    # So many steps that no machine is done before the tenth kill.
    draw, steps = random.Random(0), 10 * STEPS
    torch.set_num_threads(1)
    whole_run(tmp_path / "whole", steps)
    for _ in range(10):
        process = _start(tmp_path / "cut", steps)
        for _ in range(draw.randint(1, 12)):
            next(process.stdout)
        time.sleep(draw.uniform(0.0, 0.03))
        process.kill()
        assert process.wait() == -signal.SIGKILL
        assert not (tmp_path / "cut" / "final").exists()
    there = whole_run(tmp_path / "cut", steps)
    _same(tmp_path / "cut", there, tmp_path / "whole", steps)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> Path:
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("runs") / "whole"
    whole_run(out, STEPS)
    return out


def _same(out: Path, model: Model, uninterrupted: Path, steps: int = STEPS) -> None:
    assert weights(model) == weights(load_model(uninterrupted))
    assert _steps(out) == list(range(steps))
    measured = [(folder / "validation.jsonl").read_text() for folder in (out, uninterrupted)]
    assert measured[0] == measured[1]
    assert model.card.notes == load_model(uninterrupted).card.notes
