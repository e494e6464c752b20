"""Writers of miniatures whose images are files of their own, in their owners' layouts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from zsrobust.data.readers.images import ReadRequest
from zsrobust.testing.miniature_pictures import write_jpeg, write_lines

EACH = 1
"""Images a class: some readers insist on every class, and there are a thousand."""


def official_names(request: ReadRequest) -> list[str]:
    """The official names of the classes in label order, or their numbers from 1."""
    return list(request.folder_names or (str(number + 1) for number in range(request.classes)))


def write_class_folders(folder: Path, own_split: str, request: ReadRequest) -> None:
    """`folder/own_split/CLASS/0.jpg`."""
    for label, name in enumerate(official_names(request)):
        write_jpeg(folder / own_split / name / f"image_{label:04d}.jpg", label)


def write_food101(folder: Path, own_split: str, request: ReadRequest) -> None:
    """`images/CLASS/NUMBER.jpg` and `meta/SPLIT.json`."""
    listing = {}
    for label, name in enumerate(official_names(request)):
        write_jpeg(folder / "images" / name / f"{1000 + label}.jpg", label)
        listing[name] = [f"{name}/{1000 + label}"]
    (folder / "meta").mkdir(exist_ok=True)
    (folder / "meta" / f"{own_split}.json").write_text(json.dumps(listing))


def write_pets(folder: Path, own_split: str, request: ReadRequest) -> None:
    """`images/Breed_1.jpg` and `annotations/SPLIT.txt`: name, class, species, breed of it."""
    lines = []
    for label, name in enumerate(official_names(request)):
        stem = f"{name.replace(' ', '_')}_{label + 1}"
        write_jpeg(folder / "images" / f"{stem}.jpg", label)
        lines.append(f"{stem} {label + 1} {1 + label % 2} {label + 1}")
    write_lines(folder / "annotations" / f"{own_split}.txt", lines)


def write_flowers102(folder: Path, own_split: str, request: ReadRequest) -> None:
    """`jpg/image_00001.jpg`, `imagelabels.mat` and `setid.mat`."""
    from scipy.io import savemat

    splits = ("trnid", "valid", "tstid")
    numbers = np.arange(1, len(splits) * request.classes + 1)
    for number in numbers.tolist():
        write_jpeg(folder / "jpg" / f"image_{number:05d}.jpg", number)
    savemat(folder / "imagelabels.mat", {"labels": (numbers - 1) % request.classes + 1})
    # Three images a class, one in each split: the file holds all of them, whichever is asked for.
    savemat(folder / "setid.mat", dict(zip(splits, np.split(numbers, len(splits)), strict=True)))


def write_dtd(folder: Path, own_split: str, request: ReadRequest) -> None:
    """`dtd/images/CLASS/CLASS_0001.jpg` and `dtd/labels/SPLIT1.txt`."""
    files = [f"{name}/{name}_0001.jpg" for name in official_names(request)]
    for label, file in enumerate(files):
        write_jpeg(folder / "dtd" / "images" / file, label)
    write_lines(folder / "dtd" / "labels" / f"{own_split}1.txt", files)


def write_fgvc_aircraft(folder: Path, own_split: str, request: ReadRequest) -> None:
    """`data/images/NUMBER.jpg`, `data/variants.txt` and `data/images_variant_SPLIT.txt`."""
    names = official_names(request)
    write_lines(folder / "data" / "variants.txt", names)
    lines = [f"{1000000 + label} {name}" for label, name in enumerate(names)]
    write_lines(folder / "data" / f"images_variant_{own_split}.txt", lines)
    for label in range(len(names)):
        write_jpeg(folder / "data" / "images" / f"{1000000 + label}.jpg", label)


def write_cars(folder: Path, own_split: str, request: ReadRequest) -> None:
    """`cars_SPLIT/00001.jpg`, the lists of labels, and `devkit/cars_meta.mat`."""
    from scipy.io import savemat

    names = official_names(request)
    rows = [(label + 1, f"{label + 1:05d}.jpg") for label in range(len(names))]
    for label, (_, file) in enumerate(rows):
        write_jpeg(folder / f"cars_{own_split}" / file, label)
    devkit = folder / "devkit"
    devkit.mkdir(exist_ok=True)
    savemat(devkit / "cars_meta.mat", {"class_names": np.array(names, dtype=object)})
    train, test = devkit / "cars_train_annos.mat", folder / "cars_test_annos_withlabels.mat"
    listing = np.array(rows, dtype=[("class", object), ("fname", object)])
    savemat(train if own_split == "train" else test, {"annotations": listing})


def write_sun397(folder: Path, own_split: str, request: ReadRequest) -> None:
    """`a/abbey/sun_0000.jpg` and `ClassName.txt`; `own_split` is the whole set."""
    names = [f"/{name[0]}/{name}" for name in official_names(request)]
    write_lines(folder / "ClassName.txt", names)
    for label, name in enumerate(names):
        write_jpeg(folder / name[1:] / f"sun_{label:04d}.jpg", label)


def write_hateful_memes(folder: Path, own_split: str, request: ReadRequest) -> None:
    """`img/00000.png` and `SPLIT.jsonl`, four images a list."""
    for part_number, part in enumerate(own_split.split("+")):
        numbers = range(4 * part_number, 4 * part_number + 4)
        rows = [
            {"id": n, "img": f"img/{n:05d}.png", "label": n % request.classes, "text": "a text"}
            for n in numbers
        ]
        for number in numbers:
            write_jpeg(folder / "img" / f"{number:05d}.png", number)
        write_lines(folder / f"{part}.jsonl", [json.dumps(row) for row in rows])
