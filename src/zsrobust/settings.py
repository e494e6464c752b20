"""Settings as data: strict YAML, overrides by `--set key=value`, and the hash that names them."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from zsrobust.errors import SettingsError, UnknownNameError
from zsrobust.registry import did_you_mean


class StrictModel(BaseModel):
    """What crosses a disk: unknown keys are refused, and so is what cannot be read as its type.

    Numbers may be written as text: YAML reads `1e-4`, which has no dot, as such.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


S = TypeVar("S", bound=StrictModel)


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping a YAML file holds; raises SettingsError naming the file and line."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read ({error}).") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise SettingsError(f"{path}{line}: {problem}.") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: expected `key: value` lines, got {type(content).__name__}.")
    return content


def parse(kind: type[S], content: Mapping[str, Any], where: str) -> S:
    """`content` as `kind`; raises SettingsError listing every fault at once, each with `where`."""
    try:
        return kind.model_validate(dict(content))
    except ValidationError as error:
        known = sorted(_all_fields(kind))
        lines = [_fault_line(fault, where, known) for fault in error.errors()]
        raise SettingsError("\n".join(lines)) from None


def with_overrides(
    content: Mapping[str, Any], overrides: Sequence[str], where: str = "--set"
) -> dict[str, Any]:
    """`content` with `a.b=value` overrides applied; values are read as YAML.

    Raises SettingsError for an override without `=`, through something that is no mapping, or
    with a value that is no YAML.
    """
    result: dict[str, Any] = copy.deepcopy(dict(content))
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key.strip():
            raise SettingsError(f"{where} {override!r}: expected key=value.")
        *parents, last = key.strip().split(".")
        place = result
        for parent in parents:
            below = place.setdefault(parent, {})
            if not isinstance(below, dict):
                raise SettingsError(f"{where} {override!r}: '{parent}' holds a plain value.")
            place = below
        try:
            place[last] = yaml.safe_load(text)
        except yaml.YAMLError:
            raise SettingsError(f"{where} {override!r}: {text!r} is not a YAML value.") from None
    return result


def canonical_hash(content: Any) -> str:
    """The first 16 hex digits of the sha256 of canonical JSON: keys sorted, no spaces."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def entry_names(folder: Path) -> list[str]:
    """The names a folder of YAML entries offers, sorted."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def find_entry(name: str | Path, folder: Path, kind: str, see: str) -> Path:
    """The YAML file behind a name: a user's own file, or `<folder>/<name>.yaml`.

    Raises UnknownNameError with the nearest known name, SettingsError for a missing file.
    """
    text = str(name)
    if text.endswith((".yaml", ".yml")):
        path = Path(text)
        if not path.is_file():
            raise SettingsError(f"{path}: no such file.")
        return path
    known = entry_names(folder)
    if text not in known:
        raise UnknownNameError(f"Unknown {kind} '{text}'.{did_you_mean(text, known)} See: {see}")
    return folder / f"{text}.yaml"


def leading_comment(path: Path) -> str:
    """The comment lines at the head of a YAML file, without their marks."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# ").rstrip())
    return "\n".join(lines)


def _all_fields(kind: type[BaseModel]) -> set[str]:
    names = set(kind.model_fields)
    for field in kind.model_fields.values():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            names |= _all_fields(annotation)
    return names


def _fault_line(fault: Any, where: str, known: Sequence[str]) -> str:
    key = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"{where}: unknown key '{key}'.{did_you_mean(str(fault['loc'][-1]), known)}"
    if fault["type"] == "missing":
        return f"{where}: '{key}' is missing."
    problem = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "value_error":
        return f"{where}: {key}: {problem}" if key else f"{where}: {problem}"
    return f"{where}: {key} = {fault['input']!r}: {problem}."
