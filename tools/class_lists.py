"""Writes the class lists of `src/zsrobust/data/class_names/` from packages that carry them.

    python -m tools.class_lists

Needs, besides the project's own packages, `clip-benchmark` 1.6.2 and `pycountry` to be importable.
Lists kept by hand, as no package carries them, are its input: `*.folders.txt` (what the official
folders call the classes), `tinyimagenet.wnids.txt`, and those spelled out below.
"""

from __future__ import annotations

import ast
import importlib.util
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import timm

LISTS = Path(__file__).parents[1] / "src" / "zsrobust" / "data" / "class_names"

EUROSAT_AS_RELEASED = (
    "annual crop land", "a forest", "brushland or shrubland", "a highway or a road",
    "industrial buildings", "pasture land", "permanent crop land", "residential buildings",
    "a river", "a sea or a lake",
)  # fmt: skip
PCAM_AS_RELEASED = (
    "Tthis is a photo of healthy lymph node tissue.",
    "This is a photo of lymph node tumor tissue.",
)
"""Whole sentences, the first with the releases' slip of the key."""

HATEFUL_MEMES = ("harmless", "hateful")
"""Of our making: no release holds the names."""


def main() -> None:
    """Writes every list that is not kept by hand."""
    _write_imagenets()
    folder = {path.name.split(".")[0]: _read(path.stem) for path in LISTS.glob("*.folders.txt")}
    for name in ("cifar100", "sun397", "food101"):
        _write(name, [_spaced(each) for each in folder[name]])
    _write("caltech256", [_spaced(each[4:].replace("-101", "")) for each in folder["caltech256"]])
    _write("caltech101.as-released", [_spaced(each) for each in folder["caltech101"]])
    _write("dtd.as-released", [_spaced(each) for each in folder["dtd"]])
    _write("pets.as-released", [_spaced(each) for each in folder["pets"]])
    _write("cars.as-released", [_spaced(each[:-5]) for each in folder["cars"]])
    boeing = [f"Boeing {each}" if each[0] == "7" else each for each in folder["fgvc_aircraft"]]
    _write("fgvc_aircraft.as-released", [each.lower() for each in boeing])
    _write_of_clip_benchmark()
    _write_countries(folder["country211"])
    _write("eurosat.as-released", EUROSAT_AS_RELEASED)
    _write("pcam.as-released", PCAM_AS_RELEASED)
    _write("hateful_memes", HATEFUL_MEMES)


def _write_imagenets() -> None:
    """ImageNet-1k and its parts: WordNet ids, OpenAI's names, the literature's old ones."""
    from open_clip import IMAGENET_CLASSNAMES

    info = Path(timm.__file__).parent / "data" / "_info"
    wnids = (info / "imagenet_synsets.txt").read_text().split()
    lines = (info / "imagenet_synset_to_lemma.txt").read_text().splitlines()
    lemmas = dict(line.split("\t", 1) for line in lines)
    openai = dict(zip(wnids, IMAGENET_CLASSNAMES, strict=True))
    parts = {
        "imagenet1k": wnids,
        "imagenet-a": (info / "imagenet_a_synsets.txt").read_text().split(),
        "imagenet-r": (info / "imagenet_r_synsets.txt").read_text().split(),
        "imagenet-o": _imagenet_o(),
        "tinyimagenet": _read("tinyimagenet.wnids"),
    }
    for name, ids in parts.items():
        _write(f"{name}.wnids", ids)
        _write(f"{name}.openai", [openai[wnid] for wnid in ids])
        # The old list has the first word of each synset.
        _write(f"{name}.as-released", [_spaced(lemmas[wnid].split(",")[0]) for wnid in ids])


def _imagenet_o() -> list[str]:
    """The 200 WordNet ids, which clip-benchmark holds in a line of its source."""
    tree = ast.parse((_clip_benchmark() / "builder.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        named = isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        if named and node.targets[0].id == "imagenet_o_wnids":
            return sorted(ast.literal_eval(node.value))
    raise LookupError("clip-benchmark names no imagenet_o_wnids")


def _write_of_clip_benchmark() -> None:
    from torchvision.datasets import Flowers102

    text = (_clip_benchmark() / "en_classnames.json").read_text(encoding="utf-8")
    names: dict[str, Any] = json.loads(text)
    _write("caltech101", names["caltech101"][1:])
    _write("pets", names["pets"])
    _write("flowers102", names["flowers"])
    _write("flowers102.as-released", [_spaced(each) for each in Flowers102.classes])
    _write("eurosat", names["eurosat"])
    _write("pcam", names["pcam"])
    _write("country211", names["country211"])


def _write_countries(codes: Iterable[str]) -> None:
    """ISO 3166's names, as the releases take them from pycountry."""
    import pycountry

    name = {country.alpha_2: country.name for country in pycountry.countries} | {"XK": "Kosovo"}
    _write("country211.as-released", [name[code].replace("-", " ") for code in codes])


def _clip_benchmark() -> Path:
    spec = importlib.util.find_spec("clip_benchmark")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("pip install --no-deps clip-benchmark==1.6.2")
    return Path(spec.origin).parent / "datasets"


def _spaced(name: str) -> str:
    """A name as the releases' prompts have it: lower case, spaces for underscores and the like."""
    for mark in "_-/":
        name = name.replace(mark, " ")
    return name.lower().strip()


def _read(resource: str) -> list[str]:
    return (LISTS / f"{resource}.txt").read_text(encoding="utf-8").splitlines()


def _write(resource: str, names: Iterable[str]) -> None:
    lines = [" ".join(name.split()) for name in names]
    (LISTS / f"{resource}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
