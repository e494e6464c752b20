"""Records and headers that the tests of this room start from."""

from datetime import UTC, datetime

from zsrobust.records.header import DatasetHeader, ModelHeader, ProtocolHeader, RunHeader
from zsrobust.records.record import AttackOutcome, Record, build_record

EPS = 1 / 255


def outcome(prediction: int, margin: float = 0.5, **changes) -> AttackOutcome:
    values = {
        "name": "pgd",
        "eps": EPS,
        "norm": "linf",
        "ran": True,
        "prediction": prediction,
        "margin": margin,
        "distance": EPS,
        "iteration": -1,
        "forwards": 21,
        "backwards": 20,
        "flags": (),
    }
    return AttackOutcome(**{**values, **changes})


def image(sample_id: str, label: int, clean: int, *attacks: AttackOutcome) -> Record:
    return build_record(sample_id, label, clean, -1.0 if clean == label else 1.0, attacks)


def block_of(start: int, n: int) -> list[Record]:
    return [
        image(f"image-{i}", i % 3, i % 3, outcome(i % 3, -0.25 * i, flags=("plateau", "few-steps")))
        for i in range(start, start + n)
    ]


def header(**changes) -> RunHeader:
    values = {
        "kind": "evaluate",
        "command": "zsrobust evaluate --model a --dataset b --protocol pgd-20 --out runs/x",
        "model": ModelHeader(name="a", hash="aaaa", source="bundled"),
        "dataset": DatasetHeader(
            name="b", split="test", version=1, variant="subset", n=4, hash="bbbb"
        ),
        "protocol": ProtocolHeader(name="pgd-20", hash="cccc", content={"eps": ["1/255"]}),
        "seed": 0,
        "versions": {"python": "3.11"},
        "device": "cpu",
        "threads": 2,
        "batch_size": 64,
        "created": datetime(2026, 1, 1, tzinfo=UTC),
    }
    return RunHeader(**{**values, **changes})
