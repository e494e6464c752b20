import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.training.small_training import recipe, run, weights

from zsrobust.models.load import load_model

STEPS = 60
SCRIPT = """
import sys
import torch
torch.set_num_threads(1)
from pathlib import Path
from tests.training.small_training import recipe, run
def hear(line):
    print(line.step, flush=True)
run(Path(sys.argv[1]), recipe("tga-zsr", steps=int(sys.argv[2])), on_step=hear)
"""


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


def test_sigkill_and_the_same_call_give_the_weights_of_an_uninterrupted_run(tmp_path):
    process = _start(tmp_path / "cut", STEPS)
    assert any(line == "5\n" for line in process.stdout)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    chosen, resumed = recipe("tga-zsr", steps=STEPS), []
    there = run(tmp_path / "cut", chosen, on_step=resumed.append)
    assert 0 < resumed[0].step < STEPS
    assert weights(there) == weights(run(tmp_path / "whole", chosen))
    assert _steps(tmp_path / "cut") == list(range(STEPS))


@pytest.mark.slow
def test_kills_at_random_moments_leave_no_trace(tmp_path):
    chosen, draw, kills = recipe("tga-zsr", steps=STEPS), random.Random(0), 0
    while not (tmp_path / "cut" / "final").exists() and kills < 60:
        process = _start(tmp_path / "cut", STEPS)
        next(process.stdout, None)
        try:
            process.wait(timeout=draw.uniform(0.0, 0.3))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
    assert kills > 2
    whole = run(tmp_path / "whole", chosen)
    assert weights(load_model(tmp_path / "cut")) == weights(whole)
    assert _steps(tmp_path / "cut") == list(range(STEPS))
