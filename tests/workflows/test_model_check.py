"""Clean accuracy against a claim: a wrong text tower or activation must not pass silently."""

from dataclasses import replace

import pytest
import torch

from zsrobust.cli.main import main
from zsrobust.errors import InputError
from zsrobust.models.load import load_model
from zsrobust.records.intervals import rate
from zsrobust.testing.tiny_clip import tiny_clip
from zsrobust.workflows.model_check import Claim, ModelCheck, check_model

SET, IMAGES = "scenes-textures", 300


def test_the_bundled_model_does_what_its_card_says():
    found = check_model("scenes-tiny", SET, limit=IMAGES)
    assert found.agrees and found.measured.n == IMAGES
    assert "by its card, n = 2,000: they agree." in found.sentence


def test_a_wrong_activation_is_found():
    model = load_model("scenes-tiny")
    for block in model.visual.transformer.resblocks:
        block.mlp.gelu = torch.nn.ReLU()
    found = check_model(model, SET, limit=IMAGES)
    assert not found.agrees
    assert "look at the activation (QuickGELU or GELU)" in found.sentence


def test_a_text_tower_of_another_model_is_found_and_called_chance():
    model = load_model("scenes-tiny")
    table = model.clip.token_embedding.weight
    table.data = table.data[
        :, torch.randperm(table.shape[1], generator=torch.Generator().manual_seed(0))
    ]
    found = check_model(model, SET, limit=IMAGES)
    assert not found.agrees
    assert "the text tower or the tokenizer is not the one" in found.sentence


def test_where_nobody_states_a_figure_the_sets_with_one_are_listed():
    with pytest.raises(InputError, match="has figures for: scenes-backgrounds, scenes-colours"):
        check_model("scenes-tiny", "cifar10")
    with pytest.raises(InputError, match="Neither a card nor an entry of tiny-clip"):
        check_model(tiny_clip(), SET)


def test_a_printed_figure_of_unknown_n_is_met_within_its_rounding():
    claim = Claim(0.742, None, "a paper", "ensemble")
    near, far = (
        ModelCheck("m", "d", "official", rate(right, 50_000), claim, 0.001)
        for right in (36_850, 30_000)
    )
    assert near.agrees and not far.agrees
    assert "74.2 % by a paper: they DISAGREE" in far.sentence


def test_the_command_exits_with_1_where_they_disagree(tmp_path, capsys):
    assert main(["models", "check", "scenes-tiny", "--dataset", SET, "--limit", "100"]) == 0
    assert "they agree" in capsys.readouterr().out
    from zsrobust.models.folder import save_folder

    model = load_model("scenes-tiny")
    with torch.no_grad():
        model.visual.proj.copy_(model.visual.proj.flip(0))
    broken = replace(model, card=model.card, name="broken")
    save_folder(broken, tmp_path / "broken")
    command = ["models", "check", str(tmp_path / "broken"), "--dataset", SET, "--limit", "100"]
    assert main([*command, "--json"]) == 1
    assert '"measured"' in capsys.readouterr().out
