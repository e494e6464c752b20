"""Class embeddings on disk: 80 prompts a class of ImageNet take a text tower on a CPU an hour.

`$ZSROBUST_CACHE/class-embeddings/` (default `~/.cache/zsrobust/`) holds a file for each text tower,
list of tokens and kind of device, named after the sha256 of all three: none is ever out of date,
and any may be deleted.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from torch import Tensor

from zsrobust.models.model import Model
from zsrobust.records.atomic import replacing

CACHE = "ZSROBUST_CACHE"
MANY = 4096
"""Texts from which on it is worth a file."""
_KEY = "class_embeddings"


def kept_embeddings(model: Model, tokens: Tensor, embed: Callable[[], Tensor]) -> Tensor:
    """What `embed()` gives, (C, D); from the disk where the same was embedded before.

    tokens: (N, L) of all texts behind the C classes. Fewer than `MANY` are embedded anew each time.
    A file that cannot be read is written again; a cache that cannot be written is done without.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file, save_file

    if len(tokens) < MANY:
        return embed()
    path = _folder() / f"{_digest(model, tokens)}.safetensors"
    try:
        known: Tensor = load_file(path)[_KEY]
        return known.to(model.device)
    except (OSError, KeyError, SafetensorError):
        embeddings = embed()
    try:
        with replacing(path) as hidden:
            save_file({_KEY: embeddings.cpu().contiguous()}, hidden)
    except OSError:
        pass
    return embeddings


def _folder() -> Path:
    given = os.environ.get(CACHE)
    root = Path(given).expanduser() if given else Path.home() / ".cache" / "zsrobust"
    return root / "class-embeddings"


def _digest(model: Model, tokens: Tensor) -> str:
    """Of the text tower's weights and activation, the tokens, and the kind of device."""
    digest = hashlib.sha256(repr((model.device.type, model.config.get("text_cfg"))).encode())
    digest.update(b"quick_gelu" if model.config.get("quick_gelu") else b"")
    for key, weights in sorted(model.clip.state_dict().items()):
        if not key.startswith(("visual.", "logit_")):
            digest.update(f"{key} {tuple(weights.shape)} {weights.dtype}".encode())
            digest.update(weights.detach().cpu().contiguous().numpy().tobytes())
    digest.update(str(tuple(tokens.shape)).encode())
    digest.update(tokens.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
