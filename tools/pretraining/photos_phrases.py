"""Noun phrases and prompt templates from which the text tower of `photos-mini` learns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tools.pretraining.photos_concepts import WORDNET, Synset

THINGS = (
    "n00021939",  # artefact
    "n00015388",  # animal
    "n00021265",  # food, nutrient
    "n07555863",  # food, solid
    "n00019128",  # natural object
    "n05220461",  # body part
    "n09287968",  # geological formation
    "n12992868",  # fungus
)
"""Roots in WordNet below which things that one can photograph stand."""
EXTRA_TEMPLATES = (
    "{}",
    "a {}",
    "the {}",
    "This is a photo of a {}",
    "This is a photo of a {}.",
    "An image of a {}.",
    "a photo of {}",
    "A picture of the {}.",
)


def noun_phrases(senses: dict[str, Synset]) -> list[str]:
    """WordNet's names of things, scientific and other proper names left out, sorted."""
    below: dict[str, list[str]] = {}
    for sense in senses.values():
        for above in sense.hypernyms:
            below.setdefault(above, []).append(sense.wnid)
    reached, frontier = set(THINGS), list(THINGS)
    while frontier:
        for wnid in below.get(frontier.pop(), ()):
            if wnid not in reached:
                reached.add(wnid)
                frontier.append(wnid)
    words = {word for wnid in reached for word in senses[wnid].words}
    return sorted(word for word in words if word == word.lower())


def common_words(folder: Path = WORDNET.parent) -> list[str]:
    """Adjectives and other nouns that WordNet's sense-tagged texts use, sorted."""
    found = set()
    for name in ("index.adj", "index.noun"):
        for line in (folder / name).read_text(encoding="utf-8").splitlines():
            fields = line.split()
            pointers = int(fields[3]) if not line.startswith(" ") else 0
            if not line.startswith(" ") and int(fields[5 + pointers]) > 0:
                found.add(fields[0].replace("_", " "))
    return sorted(found)


def templates(data_root: Path) -> tuple[str, ...]:
    """The prompt templates of all sets under `data_root`, with `{}`, and a few plain ones."""
    found = set(EXTRA_TEMPLATES)
    for path in sorted(data_root.glob("wds_*/zeroshot_classification_templates.txt")):
        lines = path.read_text(encoding="utf-8").splitlines()
        found |= {line.replace("{c}", "{}") for line in lines if "{c}" in line}
    return tuple(sorted(found))


def imagenet_names(data_root: Path) -> list[str]:
    """The names of ImageNet's 1,000 classes, in order."""
    text = (data_root / "wds_imagenet1k" / "classnames.txt").read_text(encoding="utf-8")
    return text.splitlines()


def distinct(*groups: Sequence[str]) -> list[str]:
    """All phrases of all groups once, in the order of first appearance."""
    return list(dict.fromkeys(phrase for group in groups for phrase in group))
