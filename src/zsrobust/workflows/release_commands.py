"""The commands of this package that do what a release's command line does."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from zsrobust.workflows.commented_yaml import commented_yaml
from zsrobust.workflows.release_script import ReleaseScript

OPENAI = "ViT-B-32-quickgelu/openai"
START = "start.yaml"


def start_file(script: ReleaseScript, command: Mapping[str, Any], folder: str) -> str | None:
    """The YAML of the checkpoint that a line begins with, or None where it begins with CLIP.

    folder: where the file will lie; a relative path to the checkpoint is made to count from there.
    """
    if "resume" not in command:
        return None
    path = str(command["resume"])
    content: dict[str, Any] = {
        "checkpoint": path if os.path.isabs(path) else os.path.relpath(path, folder or "."),
        "base": command.get("model", OPENAI),
        "release": script.checkpoints,
    }
    if "robust_weight" in command:
        content["clean_weight"] = round(1 - float(command["robust_weight"]), 6)
    comments = {"checkpoint": "from this file's folder on", "release": "docs/checkpoints.md"}
    return commented_yaml(content, {key: comments.get(key) for key in content})


def commands(
    script: ReleaseScript, command: Mapping[str, Any], recipe: str, protocol: str, start: str
) -> tuple[str, ...]:
    """`zsrobust train` and `zsrobust evaluate`; the second alone where a line only evaluates.

    recipe, protocol, start: names or files. What no flag says stands in capitals.
    """
    model = start if "resume" in command else command.get("model", OPENAI)
    run = f"runs/{command.get('folder', script.folder)}"
    seed = ["--seed", str(command["seed"])] if command.get("seed") else []
    train = [
        "zsrobust", "train", recipe, "--model", model, "--dataset", command["dataset"],
        "--data-root", "DIR", *seed, "--out", run,
    ]  # fmt: skip
    only = bool(command.get("evaluate_only"))
    sets: Sequence[str] = command.get("testdata", [script.suite])
    evaluate = [
        "zsrobust", "evaluate", "--model", model if only else run,
        *(word for name in sets for word in ("--dataset", name)),
        "--data-root", "DIR", "--protocol", protocol, *seed, "--out", f"{run}-measured",
    ]  # fmt: skip
    return tuple(shlex.join(words) for words in ([evaluate] if only else [train, evaluate]))
