"""What is damaged, and how it is then read: a sound file of each kind, made on the spot."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tests.data.small_sets import encoded, parquet_rows, picture, write_cifar10, write_parquet
from tests.models import checkpoints
from tests.mutations.mutate import OF_BYTES, OF_TEXT, Mutation

import zsrobust as zr
from zsrobust.data.catalogue import ENTRIES, dataset_entry, load_dataset
from zsrobust.data.dataset import Dataset
from zsrobust.data.readers.decode import open_rgb
from zsrobust.evaluation.protocol import PROTOCOLS, load_protocol
from zsrobust.models.checkpoint import load_checkpoint
from zsrobust.models.folder import save_folder
from zsrobust.training.recipe import RECIPES, load_recipe


@dataclass(frozen=True)
class Subject:
    """A kind of file.

    make: a folder -> the file to damage, made in it. read: that file -> whatever comes of it.
    weight: how often it is drawn, against the others: less where a reading takes long.
    """

    name: str
    make: Callable[[Path], Path]
    read: Callable[[Path], object]
    mutations: tuple[Mutation, ...] = OF_BYTES
    weight: int = 10


def _image(name: str, form: str, mode: str = "RGB", **options: object) -> Subject:
    def make(folder: Path) -> Path:
        path = folder / f"image.{name}"
        path.write_bytes(encoded(picture(3, (40, 30), mode), form, **options))
        return path

    def read(path: Path) -> object:
        return open_rgb(io.BytesIO(path.read_bytes()), path.name).size

    return Subject(f"image/{name}", make, read)


def _sixteen_bit(folder: Path) -> Path:
    path = folder / "image.png"
    Image.fromarray(np.arange(1200, dtype=np.uint16).reshape(30, 40) * 50).save(path)
    return path


def _animation(folder: Path) -> Path:
    path = folder / "image.gif"
    frames = [picture(seed, (20, 20)) for seed in range(3)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    return path


def _read_image(path: Path) -> object:
    return open_rgb(path, str(path)).size


def _read_all(dataset: Dataset) -> int:
    return sum(dataset.read(position).size[0] for position in range(len(dataset)))


def _shard(folder: Path) -> Path:
    return write_cifar10(folder, size=(36, 33)) / "test" / "1.tar"


def _names(folder: Path) -> Path:
    return write_cifar10(folder, size=(36, 33)) / "classnames.txt"


def _read_cifar10(path: Path) -> object:
    root = next(folder.parent for folder in path.parents if folder.name == "wds_cifar10")
    return _read_all(load_dataset("cifar10", data_root=root))


def _rows(folder: Path) -> Path:
    path = folder / "tinyimagenet" / "data" / "train-00000.parquet"
    write_parquet(path, parquet_rows(0, 24))
    return path


def _read_rows(path: Path) -> object:
    return _read_all(load_dataset("tinyimagenet", split="train", data_root=path.parents[2]))


def _table(folder: Path) -> Path:
    for number in range(4):
        picture(number).save(folder / f"{number}.png")
    lines = [f"{number}.png,{'cat' if number % 2 else 'dog'}" for number in range(4)]
    path = folder / "list.csv"
    path.write_text("\n".join(["path,label", *lines]) + "\n", encoding="utf-8")
    return path


def _read_own(path: Path) -> object:
    return _read_all(load_dataset(path))


def _copy_of(source: Path) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        return Path(shutil.copy(source, folder / source.name))

    return make


def _release(folder: Path) -> Path:
    path = folder / "model_best.pth.tar"
    torch.save(checkpoints.release(checkpoints.tower_state(checkpoints.robust())), path)
    return path


def _read_checkpoint(path: Path) -> object:
    return load_checkpoint(path, checkpoints.base()).fingerprint


def _model(folder: Path) -> Path:
    save_folder(checkpoints.base(), folder / "model")
    return folder / "model"


def _read_model(path: Path) -> object:
    return zr.load_model(path.parent, "cpu").fingerprint


SUBJECTS = (
    _image("jpg", "JPEG"),
    _image("cmyk.jpg", "JPEG", "CMYK"),
    _image("png", "PNG"),
    _image("palette.png", "PNG", "P"),
    _image("webp", "WEBP"),
    _image("bmp", "BMP"),
    _image("tif", "TIFF"),
    Subject("image/sixteen-bit.png", _sixteen_bit, _read_image),
    Subject("image/gif", _animation, _read_image),
    Subject("tar", _shard, _read_cifar10, weight=12),
    Subject("classnames.txt", _names, _read_cifar10, OF_TEXT, weight=3),
    Subject("parquet", _rows, _read_rows, weight=6),
    Subject("csv", _table, _read_own, OF_TEXT, weight=12),
    Subject("dataset.yaml", _copy_of(ENTRIES / "pets.yaml"), dataset_entry, OF_TEXT, weight=15),
    Subject("protocol.yaml", _copy_of(PROTOCOLS / "pgd-20.yaml"), load_protocol, OF_TEXT, 15),
    Subject("recipe.yaml", _copy_of(RECIPES / "tga-zsr-quick.yaml"), load_recipe, OF_TEXT, 15),
    Subject("checkpoint.pth.tar", _release, _read_checkpoint, weight=15),
    Subject(
        "model.safetensors",
        lambda folder: _model(folder) / "open_clip_model.safetensors",
        _read_model,
        weight=10,
    ),
    Subject(
        "open_clip_config.json",
        lambda folder: _model(folder) / "open_clip_config.json",
        _read_model,
        OF_TEXT,
        weight=12,
    ),
)
