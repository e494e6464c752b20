"""Every catalogued dataset, as a miniature in each of its layouts on disk, read end to end."""

import pytest

import zsrobust as zr
from zsrobust.data.catalogue import dataset_entry, dataset_names
from zsrobust.data.check import check_dataset
from zsrobust.data.readers.catalogue import READERS
from zsrobust.testing.miniatures import WRITERS, write_miniature

LAYOUTS = [
    (name, number)
    for name in dataset_names()
    for number, _ in enumerate(dataset_entry(name).layouts)
]


def test_every_layout_has_a_writer_of_miniatures():
    assert set(WRITERS) == set(READERS)
    assert {layout.kind for name in dataset_names() for layout in dataset_entry(name).layouts} == (
        set(READERS)
    )


@pytest.mark.parametrize(("name", "number"), LAYOUTS)
def test_a_miniature_in_an_official_layout_is_checked_and_if_it_has_classes_evaluated(
    tmp_path, tiny_folder, name, number
):
    entry = dataset_entry(name)
    layout = entry.layouts[number]
    if layout.kind == "pcam":
        pytest.importorskip("h5py", reason="PatchCamelyon's own files are HDF5")
    for split in layout.splits:
        write_miniature(name, layout, tmp_path, split)
    for split in layout.splits:
        report = check_dataset(name, split=split, data_root=tmp_path)
        assert report.sound, report.faults
        assert report.variant in ("subset", "miniature")
        told = report.per_image if entry.kind == "pairs" else report.per_class
        assert told.least >= 1 and report.n <= report.official
        assert report.images.decoded == report.n and not report.images.duplicates
    if entry.kind == "pairs":
        return
    evaluated = next(split for split in ("test", "all", "train") if split in layout.splits)
    run = zr.evaluate(
        tiny_folder,
        name,
        "clean",
        tmp_path / "runs",
        split=evaluated,
        data_root=tmp_path,
        prompts="single",
        limit=4,
    )
    assert run.header.dataset.name == name and run.header.dataset.variant != "official"
    assert run.summary is not None and run.header.dataset.n == 4
