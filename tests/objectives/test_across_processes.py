"""What one process makes of an exchange with others; two of them: test_several_processes.py."""

import pytest
import torch

from zsrobust.errors import LostContactError
from zsrobust.objectives.across_processes import Place, gathered, in_contact, place_of, summed

GLOO = "[/src/gloo/pair.cc:547] Read error [127.0.0.1]:50: reset. Typically a bug. GLHF\nat 0x1"
NCCL = "NCCL error in: /src/NCCLUtils.cpp:94, unhandled system error (NCCL_DEBUG=INFO)\nLast: x"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (GLOO, "Read error [127.0.0.1]:50: reset"),
        (NCCL, "NCCL error in: /src/NCCLUtils.cpp:94, unhandled system error (NCCL_DEBUG=INFO)"),
    ],
)
def test_a_failed_exchange_says_why_in_one_line(said, reason):
    with pytest.raises(LostContactError) as fault, in_contact():
        raise RuntimeError(said)
    assert str(fault.value) == f"Lost contact with another process ({reason})."


def test_a_fault_of_ones_own_is_no_lost_contact():
    with pytest.raises(ValueError, match="mine"), in_contact():
        raise ValueError("mine")


def test_alone_a_batch_is_whole_and_nothing_is_copied():
    rows = torch.rand(3, 2)
    place = place_of(rows)
    assert (place, place.share) == (Place(0, 3, 3), 1.0)
    assert gathered(rows, place) is rows and summed(rows) is rows


def test_the_rows_of_a_process_lie_after_those_of_the_earlier_ones():
    place = Place(start=3, count=2, total=8)
    assert list(range(8))[place.rows] == [3, 4]
    assert place.share == 0.25
