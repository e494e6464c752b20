"""The same set under the protocols of two studies: other sizes, the releases' prompts and names."""

import pytest
from safetensors.torch import load_file

from zsrobust.data.catalogue import dataset_entry
from zsrobust.evaluation.evaluate import evaluate
from zsrobust.evaluation.protocol import load_protocol
from zsrobust.report.about import about_datasets
from zsrobust.report.cells import read_cells
from zsrobust.testing.miniatures import write_miniature
from zsrobust.testing.tiny_clip import tiny_clip


def run(root, dataset, protocol, out, **options):
    short = load_protocol(protocol, ["steps=1"])
    return evaluate(tiny_clip(), dataset, short, out, data_root=root, limit=2, **options)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for dataset in ("cifar10", "pets", "hateful_memes"):
        layouts = dataset_entry(dataset).layouts
        official = next(layout for layout in layouts if layout.kind != "webdataset")
        write_miniature(dataset, official, folder, "test")
    return folder


def test_cifar_is_attacked_at_32_px_by_one_study_and_at_224_by_the_other(root, tmp_path):
    tecoa = run(root, "cifar10", "tecoa-as-released", tmp_path)
    tga = run(root, "cifar10", "tga-as-released", tmp_path)
    assert (tecoa.header.dataset.resolution, tga.header.dataset.resolution) == (32, "224x224")
    for done, side in ((tecoa, 32), (tga, 224)):
        (stored,) = (done.path / "adversarial").glob("*.safetensors")
        assert {tuple(t.shape[1:]) for t in load_file(stored).values()} == {(3, side, side)}
        assert done.header.dataset.templates == ("This is a photo of a {}",)
    (about,) = about_datasets(read_cells(tmp_path))
    assert "Not comparable: seen at 32 px (tecoa-as-released) and at 224 px" in about.text


def test_the_releases_prompts_and_names_are_those_of_the_set(root, tmp_path):
    done = run(root, "pets", "tga-as-released", tmp_path)
    assert done.header.dataset.templates == ("A photo of a {}, a type of pet.",)
    assert done.header.dataset.resolution == "as-released"
    assert done.header.dataset.prompts == "as-released"


def test_the_set_without_released_prompts_runs_with_those_that_its_suite_names(root, tmp_path):
    done = run(root, "hateful_memes", "tecoa-as-released", tmp_path, prompts="single")
    assert done.header.dataset.prompts == "single"
    assert any("took their place" in said for said in done.header.warnings)
