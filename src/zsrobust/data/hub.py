"""Downloading a dataset's folder from the Hugging Face hub, with its hashes verified."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zsrobust.data.entry import Layout
from zsrobust.errors import DataError, RunError


def hub_size(layout: Layout, split: str, place: Path) -> int:
    """Bytes that fetching the split into `place` would still transfer; raises RunError offline."""
    files = _snapshot(layout, split, place, dry_run=True)
    return sum(file.file_size or 0 for file in files if file.will_download)


def fetch_from_hub(layout: Layout, split: str, place: Path) -> None:
    """Fetches the split's files and the lists beside them into `place`, and verifies each hash.

    What is there already is not fetched again, and a file cut off is continued. Raises RunError
    where the hub cannot be reached, DataError for files that differ from the hub's.
    """
    from huggingface_hub import HfApi

    _snapshot(layout, split, place)
    try:
        found = HfApi().verify_repo_checksums(layout.hub, repo_type="dataset", local_dir=place)
    except Exception as error:
        raise _explained(layout, error) from None
    if found.mismatches:
        wrong = found.mismatches[0]["path"]
        raise DataError(
            f"{place / wrong}: differs from the hub's ({len(found.mismatches)} such files). "
            "Remove it and run the same command again."
        )


def _snapshot(layout: Layout, split: str, place: Path, **how: Any) -> Any:
    from huggingface_hub import snapshot_download

    own = layout.splits[split]
    # Lists and cards lie at the top; shards in a folder, or files, named after the split.
    patterns = ["*.txt", "*.md", "*.json", f"{own}/*", f"data/{own}-*"]
    try:
        return snapshot_download(
            layout.hub, repo_type="dataset", local_dir=place, allow_patterns=patterns, **how
        )
    except Exception as error:
        raise _explained(layout, error) from None


def _explained(layout: Layout, error: Exception) -> RunError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return RunError(f"the hub's datasets/{layout.hub} cannot be fetched ({reason}).")
