"""Fixtures of all tests: one thread, no network, the shared images where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")

import pytest
import torch

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.models.folder import save_folder
from zsrobust.testing.tiny_clip import tiny_classifier, tiny_clip

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test reads or fills the user's cache of class embeddings."""
    os.environ["ZSROBUST_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real images beside the checkout; skips where they are absent."""
    root = Path(os.environ.get("ZSROBUST_DATA_ROOT", REPOSITORY.parent / "shared" / "data"))
    if not (root / "wds_cifar10").is_dir():
        pytest.skip(f"no shared images at {root} (set ZSROBUST_DATA_ROOT)")
    return root


@pytest.fixture
def classifier() -> ZeroShotClassifier:
    """A tiny random CLIP over five classes."""
    return tiny_classifier()


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny CLIP as a folder in open_clip's layout."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    save_folder(tiny_clip(), folder)
    return folder
