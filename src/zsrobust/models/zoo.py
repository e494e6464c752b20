"""Fetching the weights of a catalogued model: once, verified, and only because it was named."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from zsrobust.errors import ModelError, RunError
from zsrobust.models.catalogue import Location, ModelEntry

CACHE = "ZSROBUST_MODELS"
_CHUNK = 1 << 20
_BESIDE = ["*.json", "*.txt"]


def fetch_weights(name: str, entry: ModelEntry) -> Path:
    """The file, or for `open_clip-folder` the folder, that holds a catalogued model's weights.

    Looked for first where a person may have put it (`own_place`). Otherwise fetched from the hub
    (into its own cache) or by URL, with a line on stderr before and a progress bar; the sha256 is
    checked where the entry knows it. Raises ModelError that says how to get it by hand.
    """
    place = entry.get
    if place is None:
        raise ModelError(f"{name}: its entry does not say where its weights lie.")
    own = own_place(name)
    if own is not None:
        _verify(own, place, name)
        return own
    if place.hub is not None:
        found = _from_hub(name, place, whole=entry.format == "open_clip-folder")
    elif place.url is not None:
        found = _from_url(name, place)
    else:
        raise ModelError(
            f"{name}: {place.how} Put the file, alone, into {model_folder(name)}/ "
            f"(or set {CACHE}), then run this again."
        )
    _verify(found, place, name)
    return found


def model_folder(name: str) -> Path:
    """Where files of a catalogued model may be put by hand: `$ZSROBUST_MODELS/NAME`."""
    root = os.environ.get(CACHE) or "~/.cache/zsrobust/models"
    return Path(root).expanduser() / name


def own_place(name: str) -> Path | None:
    """What lies in `model_folder(name)`: an open_clip folder, or its one file; None if nothing.

    Raises ModelError where several files leave it open which one is meant.
    """
    folder = model_folder(name)
    if (folder / "open_clip_config.json").is_file():
        return folder
    files = [path for path in folder.glob("*") if path.is_file() and path.suffix != ".part"]
    if len(files) > 1:
        listed = ", ".join(sorted(path.name for path in files))
        raise ModelError(f"{folder} holds several files ({listed}). Leave the one that is meant.")
    return files[0] if files else None


def _from_hub(name: str, place: Location, whole: bool) -> Path:
    from huggingface_hub import hf_hub_download, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    repository = str(place.hub)
    wanted = place.file or "open_clip_*"
    try:
        if whole:
            patterns = [wanted, *_BESIDE]
            try:
                return Path(snapshot_download(repository, allow_patterns=patterns, **_CACHED))
            except LocalEntryNotFoundError:
                _announce(name, f"the hub ({repository})", place)
                return Path(snapshot_download(repository, allow_patterns=patterns))
        try:
            return Path(hf_hub_download(repository, wanted, **_CACHED))
        except LocalEntryNotFoundError:
            _announce(name, f"the hub ({repository}, {wanted})", place)
            return Path(hf_hub_download(repository, wanted))
    except (HfHubHTTPError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(
            f"{name}: https://huggingface.co/{repository} could not be read ({reason}). "
            f"Or download it by hand into {model_folder(name)}/."
        ) from None


_CACHED = {"local_files_only": True}


def _from_url(name: str, place: Location) -> Path:
    from torch.hub import download_url_to_file

    target = model_folder(name) / str(place.url).rsplit("/", 1)[-1]
    _announce(name, str(place.url), place)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        download_url_to_file(str(place.url), str(target), progress=sys.stderr.isatty())
    except Exception as error:
        target.unlink(missing_ok=True)
        raise RunError(
            f"{name}: {place.url} could not be fetched ({error}). "
            f"Or download it by hand into {target.parent}/."
        ) from None
    return target


def _announce(name: str, where: str, place: Location) -> None:
    size = "size unknown" if place.megabytes is None else f"about {place.megabytes / 1000:.1f} GB"
    print(f"{name}: fetching from {where}, {size}, once.", file=sys.stderr)


def _verify(found: Path, place: Location, name: str) -> None:
    """Raises ModelError unless the weights have the sha256 that the entry knows, if it does."""
    if place.sha256 is None:
        return
    path = found / str(place.file) if found.is_dir() else found
    if not path.is_file():
        return
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != place.sha256:
        raise ModelError(
            f"{path}: sha256 is {digest.hexdigest()[:16]}..., not {place.sha256[:16]}... as {name} "
            "should have. It is damaged, or another file: delete it and fetch it again."
        )
