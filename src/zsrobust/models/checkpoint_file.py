"""A weights file as a mapping of tensors, read without running anything that it holds.

A pickle can name any Python function to be called on loading. Here only tensors, plain containers
and numpy scalars (the releases store their best accuracy as one) are let through; all else is
refused before it is called.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from zsrobust.errors import ModelError

_SCALAR_KINDS = "?bBhHiIlLqQefd"
_SAFETENSORS_HEADER = 8


def read_weights_file(path: Path) -> Mapping[str, Any]:
    """What a `.safetensors` file or a torch pickle holds, on the CPU, told by content, not name.

    Raises ModelError naming the file where it is none of these, damaged, a TorchScript archive, or
    a pickle that asks for more than tensors and numpy scalars.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such file.")
    head = _head(path)
    if _is_safetensors(path, head):
        return _read_safetensors(path)
    if head.startswith(b"PK"):
        _check_archive(path)
    elif not head.startswith(b"\x80"):
        raise ModelError(
            f"{path}: neither a safetensors file nor a torch checkpoint (it begins {head[:8]!r}). "
            "Was the download cut short, or is it a web page?"
        )
    return _read_pickle(path)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_SAFETENSORS_HEADER + 1)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error}).") from None


def _is_safetensors(path: Path, head: bytes) -> bool:
    """Eight bytes of header length that fit into the file, then a JSON object."""
    length = int.from_bytes(head[:_SAFETENSORS_HEADER], "little")
    return head[_SAFETENSORS_HEADER:] == b"{" and length <= path.stat().st_size


def _read_safetensors(path: Path) -> Mapping[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state: Mapping[str, Any] = load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError, AttributeError) as error:
        raise ModelError(f"{path}: not a readable safetensors file ({error}).") from None
    return state


def _check_archive(path: Path) -> None:
    """Refuses archives that torch does not write: packed ones, which may unpack to anything.

    TorchScript archives are refused too: they hold code beside the weights.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise ModelError(f"{path}: not a readable torch checkpoint ({error}).") from None
    if any(Path(entry.filename).name == "constants.pkl" for entry in entries):
        raise ModelError(
            f"{path}: a TorchScript archive, which holds code beside its weights; it is not run. "
            "OpenAI's own models come by name (ViT-B-32-quickgelu/openai); of another, save the "
            "state dict."
        )
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise ModelError(f"{path}: a compressed archive, which torch never writes. Unpack it.")
    if sum(entry.file_size for entry in entries) > path.stat().st_size:
        raise ModelError(f"{path}: its parts claim more bytes than the file has.")


def _read_pickle(path: Path) -> Mapping[str, Any]:
    try:
        with torch.serialization.safe_globals(_allowed()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(f"{path}: {_reason(error)}") from None
    if not isinstance(content, Mapping):
        raise ModelError(
            f"{path}: holds a {type(content).__name__}, not a mapping of names to weights."
        )
    _refuse_forged(content, path)
    return content


def _refuse_forged(content: Mapping[str, Any], path: Path) -> None:
    """A tensor may claim any shape over a few stored bytes; using it would fill the memory."""
    for key, value in content.items():
        if isinstance(value, Mapping):
            _refuse_forged(value, path)
        elif isinstance(value, torch.Tensor) and value.nbytes > value.untyped_storage().nbytes():
            raise ModelError(
                f"{path}: '{key}' claims {tuple(value.shape)}, more than the file stores of it."
            )


def _allowed() -> list[Any]:
    """What a release's pickle may name beside tensors, under the names of both numpy versions."""
    from numpy._core.multiarray import scalar

    kinds = {type(np.dtype(kind)) for kind in _SCALAR_KINDS}
    names = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
    return [np.dtype, *kinds, (_latin1, "_codecs.encode"), *((scalar, name) for name in names)]


def _latin1(text: str, encoding: str) -> bytes:
    """How pickles of protocol 2 write bytes; no other encoding, so that no codec is looked up."""
    if encoding != "latin1":
        raise ModelError(f"a pickle that encodes text as {encoding!r}: refused.")
    return text.encode("latin1")


def _reason(error: Exception) -> str:
    said = str(error)
    if "Unsupported global" in said or "Unsupported class" in said or "not an allowed" in said:
        name = said.split("GLOBAL ", 1)[-1].split(" ", 1)[0] if "GLOBAL " in said else "code"
        return (
            f"refused: its pickle asks for {name}, which is no weight. Nothing of it was run. "
            "If you trust its maker, ask for a state dict or safetensors file."
        )
    first = said.splitlines()[0] if said else type(error).__name__
    return f"not a readable torch checkpoint ({first[:160]})."
