"""A model that we wrote, scored by clip-benchmark on images that we read too."""

import json
import os
import subprocess
import sys
import tarfile
from io import BytesIO

import pytest
from PIL import Image

from zsrobust.data.catalogue import load_dataset
from zsrobust.evaluation.evaluate import evaluate
from zsrobust.workflows.convert_model import convert_model

pytest.importorskip("clip_benchmark")
COUNT = 60


def write_webdataset(folder, dataset):
    """The first images of a set in the layout that clip-benchmark reads."""
    (folder / "test").mkdir(parents=True)
    with tarfile.open(folder / "test" / "0.tar", "w") as tar:
        for position in range(COUNT):
            image, written = dataset.read(position), BytesIO()
            assert isinstance(image, Image.Image)
            image.save(written, "PNG")
            parts = {"png": written.getvalue(), "cls": str(dataset.labels[position]).encode()}
            for suffix, content in parts.items():
                info = tarfile.TarInfo(f"s{position:07d}.{suffix}")
                info.size = len(content)
                tar.addfile(info, BytesIO(content))
    (folder / "test" / "nshards.txt").write_text("1\n")
    (folder / "classnames.txt").write_text("\n".join(dataset.class_names) + "\n")
    (folder / "zeroshot_classification_templates.txt").write_text("a {c}\na picture of a {c}.\n")


def test_clip_benchmark_finds_our_clean_accuracy_to_the_image(tmp_path):
    write_webdataset(tmp_path / "wds_shapes", load_dataset("scenes-shapes"))
    convert_model("scenes-tiny", tmp_path / "clip")
    name = f"local-dir:{tmp_path / 'clip'}"
    code = "from clip_benchmark.cli import main; main()"
    options = ["--dataset", "wds/shapes", "--dataset_root", str(tmp_path / "wds_shapes")]
    options += ["--model", name, "--pretrained", "none", "--output", str(tmp_path / "theirs.json")]
    options += ["--num_workers", "0", "--no_amp", "--task", "zeroshot_classification"]
    subprocess.run(
        [sys.executable, "-c", code, "eval", *options],
        check=True,
        stdout=subprocess.DEVNULL,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1"},
    )
    theirs = json.loads((tmp_path / "theirs.json").read_text())["metrics"]["acc1"]
    run = evaluate(name, tmp_path / "wds_shapes", "clean", tmp_path / "runs", device="cpu")
    ours = run.summary.clean_accuracy
    assert run.summary.n == COUNT
    assert round(theirs * COUNT) == round(ours.value * COUNT)
    assert ours.value > 0.5
