"""Whatever has become of a file, reading it ends in a result or in one clear message."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.mutations.subjects import SUBJECTS

ROOT = Path(__file__).parents[2]
MIB = 400
"""Memory that one reading may take beyond what all before took, at most."""


def ends(first, count, folder):
    """What became of `count` damaged files: one dictionary each."""
    command = [sys.executable, "-m", "tests.mutations.trial", str(first), str(count), str(folder)]
    environment = os.environ | {
        "HF_DATASETS_CACHE": str(folder / "cache"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == count
    return found


def check(found):
    faults = [each for each in found if each["end"] in ("fault", "hang")]
    shown = "\n".join(f"{e['number']} {e['subject']}: {e['said'][-700:]}" for e in faults[:5])
    assert not faults, f"{len(faults)} of {len(found)} end in a fault or hang:\n{shown}"
    for each in found:
        assert each["mib"] < MIB, each
        if each["end"] == "refused":
            assert each["said"].strip(), each
            assert "Traceback" not in each["said"]
            assert len(each["said"]) < 700, each
            assert "\n" not in each["said"] or each["subject"].endswith(".yaml"), each


def test_200_damaged_files_end_in_a_result_or_one_clear_message(tmp_path):
    found = ends(0, 200, tmp_path)
    check(found)
    ways = Counter(each["end"] for each in found)
    assert ways["refused"] > 50
    assert ways["read"] > 10
    assert {each["subject"] for each in found} == {subject.name for subject in SUBJECTS}


@pytest.mark.slow
def test_2000_more_do_so_too(tmp_path):
    for part in range(8):
        check(ends(1000 + 250 * part, 250, tmp_path / str(part)))
