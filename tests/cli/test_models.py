import json

import pytest

from zsrobust.cli.main import main
from zsrobust.models.catalogue import model_entry
from zsrobust.models.describe import describe_model


def shown(capsys, *arguments):
    assert main(["models", *arguments]) == 0
    return capsys.readouterr().out


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.parametrize("name", ["scenes-tiny", "fare2-vit-l-14", "delta-clip-l-14-224"])
def test_show_fits_80_columns(name, capsys):
    lines = shown(capsys, "show", name).splitlines()
    assert max(len(line) for line in lines) <= 80
    assert shown(capsys, name).splitlines() == lines


def test_a_bundled_model_shows_parts_cost_and_card(capsys):
    text = shown(capsys, "show", "scenes-tiny")
    for said in ("837.0 k image, 3.3 M text", "43.1 M an image", "7 x 7 patches", "27.83",
                 "code MIT; weights MIT", "6/255", "scenes-colours", "GELU"):  # fmt: skip
        assert said in text


def test_a_zoo_model_is_shown_without_its_weights_and_its_figures_as_others(capsys):
    text = shown(capsys, "show", "fare2-vit-l-14")
    for said in ("QuickGELU", "304.0 M image", "81.0 G an image", "16 x 16", "not measured here"):
        assert said in text
    for said in ("74.2", "73.0", "APGD-CE", "chs20/fare2-clip", "9fb1f8759c", "robust 2/255"):
        assert said in text
    assert "not known" in shown(capsys, "show", "tecoa-vit-b-32")


def test_an_open_clip_name_and_a_folder_are_shown_too(capsys, tiny_folder):
    text = " ".join(shown(capsys, "show", "ViT-B-16-SigLIP/webli").split())
    for said in ("no: the pooling latent", "attacks, TeCoA", "0.5, 0.5, 0.5", "trunk's own"):
        assert said in text
    assert "92.9 M image" in text
    assert "7 x 7 patches" in shown(capsys, "show", str(tiny_folder))


def test_json_holds_everything(capsys):
    content = json.loads(shown(capsys, "show", "fare2-vit-l-14", "--json"))
    assert content["anatomy"]["cost"]["image_macs"] == 81_012_768_768
    assert content["entry"]["published"] == [
        each.model_dump() for each in model_entry("fare2-vit-l-14").published
    ]
    assert set(json.loads(shown(capsys, "--json"))) >= {"scenes-tiny", "tga-zsr-vit-b-32"}


def test_what_is_described_from_the_config_is_what_loading_would_find():
    parts = describe_model("RN50-quickgelu/openai").anatomy
    assert (parts.tower, parts.width, parts.cost.grid) == ("clip-resnet", 2048, (7, 7))
    assert (parts.activation, parts.logit_scale) == ("quickgelu", None)


def test_an_unknown_name_brings_the_nearest(capsys):
    assert main(["models", "show", "scene-tiny"]) == 2
    assert "Did you mean 'scenes-tiny'?" in capsys.readouterr().err


def test_a_checkpoint_of_ones_own_is_shown_with_what_must_be_said_of_it(
    capsys, tiny_folder, tmp_path
):
    import torch

    from zsrobust.testing.tiny_clip import tiny_clip

    torch.save(tiny_clip(7).visual.state_dict(), tmp_path / "tower.pt")
    (tmp_path / "mine.yaml").write_text(f"checkpoint: tower.pt\nbase: {tiny_folder}\n")
    text = " ".join(shown(capsys, "show", str(tmp_path / "mine.yaml")).split())
    assert "7 x 7 patches" in text
    assert "little in common" in text
