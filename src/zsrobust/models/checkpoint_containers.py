"""The containers that checkpoints of the literature come in, told by what they hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zsrobust.errors import ModelError
from zsrobust.models import checkpoint_release as release
from zsrobust.models import checkpoint_state_dict as state_dict
from zsrobust.models.checkpoint_parts import Parts

Content = Mapping[str, Any]


@dataclass(frozen=True)
class Container:
    """One container: how it is recognised and how it is taken apart."""

    recognises: Callable[[Content], bool]
    parts: Callable[[Content], Parts]


CONTAINERS = (
    Container(release.is_release, release.release_parts),
    Container(release.is_prompt_file, release.prompt_parts),
    Container(state_dict.is_transformers, state_dict.transformers_parts),
    Container(state_dict.is_whole, state_dict.whole_parts),
    Container(state_dict.is_tower, state_dict.tower_parts),
)
"""The first that recognises a file reads it: what is most telling stands first."""


def parts_of(content: Content, path: Path) -> Parts:
    """What a checkpoint holds; raises ModelError where no container fits, naming its keys."""
    for container in CONTAINERS:
        if container.recognises(content):
            return container.parts(content)
    keys = sorted(str(key) for key in content)[:4]
    raise ModelError(
        f"{path}: no known checkpoint: its keys ({', '.join(keys) or 'none'} ...) are those of "
        "neither a CLIP, an image tower nor a visual prompt. See docs/checkpoints.md."
    )
