import json

import pytest
import torch
from tests.training.small_training import colours, recipe, run, stemmed_clip, weights

from zsrobust.errors import NotFiniteError, RunError, RunFolderError
from zsrobust.models.load import load_model
from zsrobust.records.header import read_header
from zsrobust.testing.tiny_clip import tiny_clip


def _log(out) -> list[dict]:
    return [json.loads(text) for text in (out / "log.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("kind", ["tecoa", "tga-zsr"])
def test_both_objectives_lower_their_loss(tmp_path, kind):
    run(tmp_path / "run", recipe(kind, steps=20, optimizer={"kind": "adamw", "lr": 0.001}))
    totals = [line["total"] for line in _log(tmp_path / "run")]
    assert sum(totals[-5:]) < 0.8 * sum(totals[:5])


def test_the_terms_of_tga_zsr_are_logged_by_name_and_sum_to_the_total(tmp_path):
    run(tmp_path / "run", recipe("tga-zsr", steps=3))
    for line in _log(tmp_path / "run"):
        assert list(line["terms"]) == [
            "cross_entropy",
            "attention_refinement",
            "attention_constraint",
        ]
        assert sum(line["terms"].values()) == pytest.approx(line["total"], rel=1e-5)
    first = _log(tmp_path / "run")[0]
    assert first["terms"]["attention_constraint"] == 0  # nothing has moved yet
    assert first["terms"]["attention_refinement"] > 0


def test_only_the_image_tower_is_trained(tmp_path):
    before = weights(tiny_clip())
    after = weights(run(tmp_path / "run"))
    changed = {name for name in before if before[name] != after[name]}
    assert changed
    assert all(name.startswith("visual.") for name in changed)
    trained = {f"visual.{name}" for name, _ in tiny_clip().visual.named_parameters()}
    assert changed == trained


def test_the_callers_model_is_left_as_it_was(tmp_path):
    model = tiny_clip()
    model.clip.requires_grad_(False)
    before = weights(model)
    trained = run(tmp_path / "run", model=model)
    assert weights(model) == before
    assert not any(parameter.requires_grad for parameter in model.clip.parameters())
    assert trained.fingerprint != model.fingerprint


def test_trap_batch_norm_keeps_the_statistics_it_came_with(tmp_path):
    model = stemmed_clip()
    buffers = [name for name, _ in model.clip.named_buffers() if "running" in name]
    assert buffers
    before = weights(model)
    after = weights(run(tmp_path / "run", model=model))
    assert [after[name] for name in buffers] == [before[name] for name in buffers]
    assert before["visual.conv1.1.weight"] != after["visual.conv1.1.weight"]


def test_fused_attention_is_as_it_was_after_a_training(tmp_path):
    before = torch.backends.mha.get_fastpath_enabled()
    run(tmp_path / "run", recipe(steps=1))
    assert torch.backends.mha.get_fastpath_enabled() == before


def test_the_folder_loads_again_as_the_very_model(tmp_path):
    trained = run(tmp_path / "defended")
    again = load_model(tmp_path / "defended")
    assert again.fingerprint == trained.fingerprint == load_model(trained).fingerprint
    assert again.name == trained.name == "defended"
    assert not (tmp_path / "defended" / "state").exists()


def test_the_card_and_the_header_say_where_the_model_comes_from(tmp_path):
    chosen = recipe("tga-zsr", steps=4)
    trained = run(tmp_path / "run", chosen, overrides=["steps=4"])
    card, header, base = trained.card, read_header(tmp_path / "run"), tiny_clip()
    assert card.base == {"name": "tiny-clip", "hash": base.fingerprint}
    assert (card.steps, card.images_seen, card.seed) == (4, 28, 0)
    assert card.recipe["objective"]["settings"]["alpha"] == 0.08
    assert card.tuned_on == [colours().name]
    assert (header.kind, header.model.hash) == ("train", base.fingerprint)
    assert header.dataset.hash == colours().variant_hash()
    assert header.protocol.hash == chosen.hash
    assert header.overrides == ("steps=4",)


def test_the_learning_rates_follow_the_schedule(tmp_path):
    run(tmp_path / "run", recipe(steps=4, warmup_steps=2))
    assert [line["lr"] for line in _log(tmp_path / "run")] == pytest.approx(
        [0.0015, 0.003, 0.003, 0.0015]
    )


def test_trap_the_last_smaller_batch_of_an_epoch_is_not_dropped(tmp_path):
    trained = run(tmp_path / "run", recipe(steps=None, epochs=2))
    assert len(_log(tmp_path / "run")) == 6
    assert trained.card.images_seen == 40


def test_seeds_matter_and_repetition_gives_equal_bits(tmp_path):
    first = run(tmp_path / "a")
    assert weights(run(tmp_path / "b")) == weights(first)
    assert weights(run(tmp_path / "c", seed=1)) != weights(first)


def test_a_finished_run_is_returned_as_it_is(tmp_path):
    first = run(tmp_path / "run")
    heard = []
    again = run(tmp_path / "run", on_step=heard.append)
    assert heard == []
    assert weights(again) == weights(first)


@pytest.mark.parametrize(
    "other",
    [
        {"chosen": recipe(batch_size=4)},
        {"model": tiny_clip(seed=1)},
        {"dataset": colours().first(9)},
        {"seed": 1},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_runs_folder_is_refused_and_left_alone(tmp_path, other):
    run(tmp_path / "run", recipe(steps=1))
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(RunFolderError, match="holds another run"):
        run(tmp_path / "run", **{"chosen": recipe(steps=1), **other})
    assert files == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_a_folder_with_other_things_in_it_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(RunFolderError, match=r"thesis\.txt"):
        run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_rate_that_breaks_the_loss_stops_with_step_and_term(tmp_path):
    wild = recipe(optimizer={"lr": 1e30}, warmup_steps=0)
    with pytest.raises(RunError, match=r"step \d: the loss is not finite \(cross_entropy"):
        run(tmp_path / "run", wild)
    assert not (tmp_path / "run" / "final").exists()


def test_a_last_update_that_breaks_the_weights_leaves_no_model(tmp_path):
    wild = recipe(optimizer={"lr": 1e25, "weight_decay": 1e25}, warmup_steps=0, steps=1)
    with pytest.raises(NotFiniteError, match=r"The last step left NaN or infinity in visual\."):
        run(tmp_path / "run", wild)
    assert not (tmp_path / "run" / "final").exists()


def test_pixels_are_attacked_at_the_recipes_resolution(tmp_path):
    native = run(tmp_path / "a", recipe(steps=2))
    assert weights(run(tmp_path / "b", recipe(steps=2, resolution=28))) == weights(native)
    assert weights(run(tmp_path / "c", recipe(steps=2, resolution=56))) != weights(native)
