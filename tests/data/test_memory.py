"""Reading and evaluating many images takes no memory in proportion; the full sizes are measured by
`benchmarks/data_reading.py`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from data_reading import write_squares

BENCHMARKS = str(Path(__file__).parents[2] / "benchmarks")

BOTH = """
import json, sys
sys.path.insert(0, sys.argv[1])
from reading_measures import anonymous, memory
"""

INDEX = """
from zsrobust.data import columns
from zsrobust.data.index import hash_index
def taken(count):
    index = hash_index(*columns.columns_of((f"class/{i}.jpg", i % 9) for i in range(count)))
    assert len(index.ids) == count and index.labels[5] == int(index.ids[5][6:-4]) % 9
    return anonymous()
few = taken(70_000)
print(json.dumps(taken(300_000) - few))
"""

EVALUATE = """
few, many = (memory(sys.argv[2], count) for count in ("300", "3000"))
assert (few["images"], many["images"]) == (300, 3000)
print(json.dumps(many["peak"] - few["peak"]))
"""


@pytest.fixture
def growth(tmp_path, monkeypatch):
    """In MB, as code in a process of its own prints it."""
    if not Path("/proc/self/status").is_file():
        pytest.skip("the figures come from /proc")
    for name, value in (("OMP_NUM_THREADS", "1"), ("HF_DATASETS_CACHE", str(tmp_path / "cache"))):
        monkeypatch.setenv(name, value)

    def run(code, *arguments):
        done = subprocess.run(
            [sys.executable, "-c", BOTH + code, BENCHMARKS, *arguments],
            stdout=subprocess.PIPE,
            check=True,
        )
        return json.loads(done.stdout.splitlines()[-1])

    return run


def test_an_index_takes_no_memory_in_proportion(growth):
    """As tuples, 230,000 more ids and labels take 55 MB."""
    assert growth(INDEX) < 15


def test_evaluating_ten_times_the_images_takes_hardly_more_memory(growth, tmp_path):
    """The pixels of 2,700 more images are 133 MB."""
    write_squares(tmp_path / "squares" / "data", 3000)
    assert growth(EVALUATE, f"hf:{tmp_path / 'squares'}") < 70
