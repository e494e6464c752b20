"""What a run ran with: package versions and the command, for headers and bug reports."""

from __future__ import annotations

import platform
import shlex
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "zsrobust",
    "torch",
    "torchvision",
    "open_clip_torch",
    "timm",
    "numpy",
    "pillow",
    "datasets",
    "pyarrow",
    "safetensors",
)


def package_versions() -> dict[str, str]:
    """Package -> version, of Python and of what decides numbers; absent ones are left out."""
    versions = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def invocation() -> str:
    """The command that started this process, as one would type it."""
    program = Path(sys.argv[0]).name
    if program in ("__main__.py", "zsrobust"):
        return shlex.join(["zsrobust", *sys.argv[1:]])
    return shlex.join(["python", program, *sys.argv[1:]])
