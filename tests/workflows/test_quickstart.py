import re

import pytest

from zsrobust.training.recipe import RECIPES
from zsrobust.workflows.quickstart import Defence, Strong, load_settings, quickstart


@pytest.fixture(scope="module")
def made(tiny_folder, tmp_path_factory):
    """A quickstart in seconds: the tiny CLIP, two tasks, two steps a defence."""
    folder = tmp_path_factory.mktemp("quick")
    defences = []
    for name in ("tecoa", "tga-zsr"):
        text = (RECIPES / f"{name}-quick.yaml").read_text()
        text = re.sub(r"steps: \d+\n", "steps: 2\n", text, count=0)
        text = re.sub(r"batch_size: \d+", "batch_size: 8", text)
        (folder / f"{name}.yaml").write_text(re.sub(r"^steps: \d+$", "steps: 2", text, flags=re.M))
        recipe = str(folder / f"{name}.yaml")
        defences.append(Defence(title=name.upper(), name=name, recipe=recipe))
    settings = load_settings().model_copy(
        update={
            "model": str(tiny_folder),
            "tasks": ["scenes-shapes", "scenes-heldout"],
            "images": 12,
            "strong": Strong(protocol="apgd-ce+t-eps4", images=4),
            "defences": defences,
        }
    )
    said = []
    return quickstart(folder / "out", settings=settings, say=said.append), said, settings


def test_the_page_holds_three_models_on_every_task_and_the_figure(made):
    result, said, _ = made
    page = result.page.read_text()
    assert len(result.runs) == 12
    assert {run.summary.n for run in result.runs} == {12, 4}
    for word in (
        "undefended",
        "apgd-ce+t",
        "TECOA",
        "TGA-ZSR",
        "scenes-heldout",
        "Where the model looks",
    ):
        assert word in page
    assert any("Fine-tune with TECOA" in line for line in said)
    assert len(result.times) == 10


def test_a_second_run_keeps_what_is_finished(made):
    result, _, settings = made
    before = result.page.parent.joinpath("tecoa", "log.jsonl").stat().st_mtime_ns
    again = quickstart(result.page.parent, settings=settings, say=lambda _: None)
    assert result.page.parent.joinpath("tecoa", "log.jsonl").stat().st_mtime_ns == before
    assert [run.summary for run in again.runs] == [run.summary for run in result.runs]


def test_the_quickstarts_counts_stand_in_its_yaml():
    settings = load_settings()
    assert settings.tune_on in settings.tasks
    assert settings.attention.task in settings.tasks
    assert settings.images >= 100
