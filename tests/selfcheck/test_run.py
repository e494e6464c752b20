"""The self-check as a library function, and its record."""

import subprocess
import sys

import pytest
import torch
from tests.selfcheck import victims
from tests.selfcheck.victims import TINY, images

from zsrobust.errors import InputError, ModelError, PixelsError, RunError, RunFolderError
from zsrobust.selfcheck.result import read_result, write_result
from zsrobust.selfcheck.run import duration, selfcheck

HONEST = victims.linear(scale=3.0)


@pytest.fixture(scope="module")
def result():
    return selfcheck(HONEST, *images(10, 40), plan=TINY)


def test_a_record_is_read_back_as_it_was_written(result, tmp_path):
    write_result(tmp_path, result)
    assert read_result(tmp_path) == result


def test_a_record_that_is_absent_or_damaged_is_said(tmp_path):
    with pytest.raises(RunFolderError, match="no such file"):
        read_result(tmp_path)
    (tmp_path / "selfcheck.json").write_text('{"schema_version": 1, "more": 2}')
    with pytest.raises(RunFolderError, match="not a self-check"):
        read_result(tmp_path)


def test_records_and_names_are_read_without_torch():
    code = (
        "import sys, zsrobust.selfcheck.result, zsrobust.selfcheck.names;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_same_call_finds_the_same(result):
    again = selfcheck(HONEST, *images(10, 40), plan=TINY)
    same = {"checks", "right", "ids", "verdict"}
    assert again.model_dump(include=same) == result.model_dump(include=same)
    assert [t.kept for t in again.looks] == [t.kept for t in result.looks]


def test_the_time_is_calibrated_and_the_plan_announced_before_it_begins():
    said, stages = [], []
    result = selfcheck(
        HONEST, *images(10, 40), minutes=1e-5, say=said.append,
        on_stage=lambda done, total, name: stages.append((done, total, name)),
    )  # fmt: skip
    assert said[0].startswith("n = 40 images, Square with 500 queries; about ")
    assert "the least that can decide" in said[0]
    assert result.estimate > 0
    assert [done for done, _, _ in stages] == list(range(stages[0][1]))


def test_without_labels_the_models_own_answers_stand_for_them():
    pixels, _ = images(10, 40)
    result = selfcheck(HONEST, pixels, plan=TINY)
    assert not result.labelled and result.chance is None
    assert all(result.right)


def test_attacks_are_compared_where_the_model_keeps_enough():
    assert selfcheck(HONEST, *images(10, 40), plan=TINY).close_eps == "4/255"
    assert selfcheck(HONEST, *images(0.5, 3), plan=TINY).close_eps == "2/255"


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"minutes": 0.0}, InputError, "minutes = 0: give more than 0"),
        ({"minutes": float("nan")}, InputError, "minutes = nan"),
        ({"eps": "4"}, InputError, 'Did you mean "4/255"'),
        ({"eps": "0"}, InputError, "give a radius above 0"),
        ({"ids": ["a"] * 40}, PixelsError, "40 different names"),
        ({"labels": torch.full((40,), 9)}, PixelsError, r"labels must lie in \[0, 4\)"),
        ({"pixels": 255 * torch.ones(40, 3, 8, 8)}, PixelsError, r"must lie in \[0, 1\]"),
        ({"pixels": torch.ones(0, 3, 8, 8)}, PixelsError, "no image"),
        ({"classifier": lambda p: p.flatten(1).sum(1)}, ModelError, "must give logits"),
        ({"classifier": lambda p: HONEST(p) * torch.nan}, RunError, "NaN or infinite"),
    ],
)
def test_what_means_nothing_is_refused_in_one_line(settings, error, said):
    pixels, labels = images(10, 40)
    call = {"classifier": HONEST, "pixels": pixels, "labels": labels, "plan": TINY} | settings
    with pytest.raises(error, match=said):
        selfcheck(call.pop("classifier"), call.pop("pixels"), **call)


def test_times_are_said_in_the_unit_that_fits():
    assert (duration(45.2), duration(210)) == ("45 s", "3.5 min")
