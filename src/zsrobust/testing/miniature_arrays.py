"""Writers of miniatures whose images lie in one file: CIFAR's, STL-10's, PatchCamelyon's."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zsrobust.data.readers.images import ReadRequest
from zsrobust.testing.miniature_files import official_names
from zsrobust.testing.miniature_pictures import picture, write_lines
from zsrobust.testing.python2_pickle import Value, python2_pickle


def write_cifar(folder: Path, own_split: str, request: ReadRequest) -> None:
    """The pickles or the binary version, as the folder's name says; one image a class."""
    folder.mkdir(parents=True, exist_ok=True)
    ten = request.classes == 10
    test = "test_batch" if ten else "test"
    stem = test if own_split == "test" else ("data_batch_1" if ten else "train")
    planes = np.stack([_planes(label, 32) for label in range(request.classes)])
    labels = np.arange(request.classes, dtype=np.uint8)
    names = official_names(request)
    if folder.name.endswith(("-bin", "-binary")):
        write_lines(folder / ("batches.meta.txt" if ten else "fine_label_names.txt"), names)
        columns = [labels] if ten else [labels // 5, labels]
        rows = np.concatenate([*(column[:, None] for column in columns), planes], axis=1)
        (folder / f"{stem}.bin").write_bytes(rows.tobytes())
        return
    files = [f"image_{label:04d}.png" for label in range(request.classes)]
    key, names_key = ("labels", "label_names") if ten else ("fine_labels", "fine_label_names")
    batch: dict[str, Value] = {
        "batch_label": "one of one",
        key: [int(label) for label in labels],
        "data": planes,
        "filenames": files,
    }
    (folder / stem).write_bytes(python2_pickle(batch))
    (folder / ("batches.meta" if ten else "meta")).write_bytes(python2_pickle({names_key: names}))


def write_stl10(folder: Path, own_split: str, request: ReadRequest) -> None:
    """`SPLIT_X.bin`, `SPLIT_y.bin` and `class_names.txt`; one image a class."""
    write_lines(folder / "class_names.txt", official_names(request))
    pixels = [np.asarray(picture(label, 96)).transpose(2, 1, 0) for label in range(request.classes)]
    (folder / f"{own_split}_X.bin").write_bytes(np.stack(pixels).tobytes())
    labels = np.arange(1, request.classes + 1, dtype=np.uint8)
    (folder / f"{own_split}_y.bin").write_bytes(labels.tobytes())


def write_pcam(folder: Path, own_split: str, request: ReadRequest) -> None:
    """`camelyonpatch_level_2_split_SPLIT_x.h5` and `..._y.h5`, two images a class (needs h5py)."""
    import h5py

    folder.mkdir(parents=True, exist_ok=True)
    count = 2 * request.classes
    arrays = {
        "x": np.stack([np.asarray(picture(number, 96)) for number in range(count)]),
        "y": (np.arange(count, dtype=np.uint8) % request.classes).reshape(count, 1, 1, 1),
    }
    for key, array in arrays.items():
        with h5py.File(folder / f"camelyonpatch_level_2_split_{own_split}_{key}.h5", "w") as file:
            file.create_dataset(key, data=array)


def _planes(number: int, side: int) -> np.ndarray:
    """A picture as bytes of red, green and blue, each row by row."""
    return np.asarray(picture(number, side)).transpose(2, 0, 1).reshape(-1)
