"""A model that we wrote, scored by clip-benchmark on images that we read too."""

import tarfile
from collections import Counter
from io import BytesIO

import pytest
import torch
from PIL import Image

from zsrobust.data.catalogue import load_dataset
from zsrobust.evaluation.evaluate import evaluate
from zsrobust.records.store import read_records, records_folder
from zsrobust.workflows.convert_model import convert_model

pytest.importorskip("clip_benchmark")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
COUNT = 60
ENTRY = """
version: 1
description: Shapes in the layout of the hub
source: drawn here
citation: none
licence: MIT
kind: images
splits: {test: {count: 60}}
layouts:
  - {kind: webdataset, folder: wds_shapes, splits: {test: test}, how: written by this test}
prompts: {single: ["a {}"], ensemble: ["a {}", "a picture of a {}."]}
"""


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


def their_predictions(name, folder):
    """Predictions and labels by clip-benchmark's own loader, prompts and forward.

    Its last line is left out: 1.6.2 calls float() on an array of one, which numpy 2.4 refuses.
    """
    from clip_benchmark.datasets.builder import build_dataset
    from clip_benchmark.metrics import zeroshot_classification as scoring
    from clip_benchmark.models import load_clip

    model, transform, tokenizer = load_clip("open_clip", name, "", None, device="cpu")
    dataset = build_dataset("wds/shapes", root=str(folder), transform=transform, split="test")
    classes, templates = dataset.classes, dataset.templates
    weights = scoring.zero_shot_classifier(
        model.eval(), tokenizer, classes, templates, "cpu", amp=False
    )
    batches = torch.utils.data.DataLoader(dataset.batched(16), batch_size=None)
    logits, labels = scoring.run_classification(model, weights, batches, "cpu", amp=False)
    return logits.argmax(1).tolist(), labels.tolist()


def test_clip_benchmark_finds_our_clean_accuracy_to_the_image(tmp_path):
    folder, name = tmp_path / "wds_shapes", f"local-dir:{tmp_path / 'clip'}"
    write_webdataset(folder, load_dataset("scenes-shapes"))
    convert_model("scenes-tiny", tmp_path / "clip")
    predictions, labels = their_predictions(name, folder)
    (tmp_path / "shapes.yaml").write_text(ENTRY)
    run = evaluate(
        name, tmp_path / "shapes.yaml", "clean", tmp_path / "runs", data_root=tmp_path, device="cpu"
    )
    ours = read_records(records_folder(run.path))
    assert len(predictions) == run.summary.n == COUNT
    pairs = Counter((one.label, one.clean_prediction) for one in ours)
    assert Counter(zip(labels, predictions, strict=True)) == pairs
    right = sum(a == b for a, b in zip(labels, predictions, strict=True))
    assert right > COUNT / 2
    assert run.summary.clean_accuracy.value == right / COUNT
