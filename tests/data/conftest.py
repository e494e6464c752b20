"""Small sets made in a test leave nothing in the cache of `datasets`."""

import pytest


@pytest.fixture(autouse=True)
def _own_cache(request, tmp_path_factory, monkeypatch):
    import datasets.config

    # The real sets keep the cache they have: copying them anew would take seconds a test.
    if "shared_data" not in request.fixturenames:
        cache = tmp_path_factory.mktemp("datasets-cache")
        monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)
