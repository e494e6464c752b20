"""The columns of a records file, with a version: records to Arrow tables and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from zsrobust.errors import RunError
from zsrobust.records.record import AttackOutcome, Record

SCHEMA_VERSION = 1
VERSION_KEY = b"zsrobust.records.version"


def _required(name: str, kind: Any) -> Any:
    return pa.field(name, kind, nullable=False)


ATTACK = pa.struct(
    [
        _required("name", pa.string()),
        _required("eps", pa.float64()),
        _required("norm", pa.string()),
        _required("ran", pa.bool_()),
        _required("prediction", pa.int64()),
        _required("margin", pa.float64()),
        _required("distance", pa.float64()),
        _required("iteration", pa.int64()),
        _required("forwards", pa.int64()),
        _required("backwards", pa.int64()),
        _required("flags", pa.list_(_required("element", pa.string()))),
    ]
)

SCHEMA = pa.schema(
    [
        _required("id", pa.string()),
        _required("label", pa.int64()),
        _required("clean_prediction", pa.int64()),
        _required("clean_margin", pa.float64()),
        _required("worst_prediction", pa.int64()),
        _required("worst_margin", pa.float64()),
        _required("attacks", pa.list_(_required("element", ATTACK))),
    ],
    metadata={VERSION_KEY: str(SCHEMA_VERSION).encode()},
)


def to_table(records: Iterable[Record]) -> Any:
    """The pyarrow.Table of `records`, one row each, in their order."""
    rows = [
        {**vars(record), "attacks": [vars(attack) for attack in record.attacks]}
        for record in records
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def from_table(table: Any) -> list[Record]:
    """The records a table holds, in its order."""
    return [
        Record(**{**row, "attacks": tuple(_attack(attack) for attack in row["attacks"])})
        for row in table.to_pylist()
    ]


def check_schema(schema: Any, where: str) -> None:
    """Refuses a file that another version of zsrobust, or something else, wrote (RunError)."""
    version = (schema.metadata or {}).get(VERSION_KEY)
    if version is None:
        raise RunError(f"{where}: not a records file of zsrobust. Move it out of the folder.")
    if version != str(SCHEMA_VERSION).encode():
        raise RunError(
            f"{where}: written with records schema {version.decode()}, this zsrobust reads "
            f"{SCHEMA_VERSION}. Read it with the version that run.json names, or run again."
        )
    if not schema.equals(SCHEMA):
        raise RunError(f"{where}: its columns are not those of records schema {SCHEMA_VERSION}.")


def _attack(row: dict[str, Any]) -> AttackOutcome:
    return AttackOutcome(**{**row, "flags": tuple(row["flags"])})
