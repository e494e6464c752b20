"""What a recipe can ask of the loop beside its objective."""

import json
import sys
from functools import partial

import pytest
import torch
from tests.training.small_training import colours, recipe, run, stemmed_clip, weights
from torch import nn

from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.data.pixels import read_pixels
from zsrobust.errors import InputError, ModelError
from zsrobust.objectives.catalogue import OBJECTIVES, ObjectiveKind, build_objective
from zsrobust.objectives.objective import Batch, Dual, LossTerms, Objective
from zsrobust.objectives.tecoa import TecoaSettings, tecoa
from zsrobust.registry import Registry
from zsrobust.testing.tiny_clip import tiny_clip
from zsrobust.training import recipe as recipes
from zsrobust.training.precision import in_precision
from zsrobust.training.recipe import Optimizer
from zsrobust.training.step import make_optimizer, parts_of, update


def log(out) -> list[dict]:
    return [json.loads(text) for text in (out / "log.jsonl").read_text().splitlines()]


def totals(out) -> list[float]:
    return [line["total"] for line in log(out)]


def test_a_batch_in_parts_has_the_loss_curve_of_the_whole_batch(tmp_path):
    """An epoch's smaller last batch included."""
    for parts in (1, 4):
        run(tmp_path / str(parts), recipe(steps=8, accumulate=parts))
    whole, in_parts = log(tmp_path / "1"), log(tmp_path / "4")
    for one, other in zip(whole, in_parts, strict=True):
        assert other["total"] == pytest.approx(one["total"], rel=1e-3)
        assert other["terms"] == pytest.approx(one["terms"], rel=1e-2, abs=1e-4)
    assert len({line["total"] for line in in_parts}) == 8


@pytest.mark.parametrize("kind", ["tecoa", "tga-zsr"])
def test_the_update_of_uneven_parts_is_that_of_the_whole_batch_in_float64(kind):
    data = colours(7)
    classifier = classifier_of(tiny_clip(), data.class_names, ["a {}"]).double()
    objective = build_objective(kind, {}, classifier)
    pixels = read_pixels(data, range(7), 28).double()
    batch, trained = (
        Batch(pixels, torch.tensor(data.labels), data.ids),
        [*classifier.visual.parameters()],
    )
    generator = torch.Generator().manual_seed(0)
    # Where nothing has moved, the gradient of an unsquared norm is the direction of the rounding.
    before = [
        value.detach() + 0.05 * torch.randn(value.shape, generator=generator, dtype=torch.float64)
        for value in trained
    ]

    def after(count: int) -> tuple[float, torch.Tensor]:
        with torch.no_grad():
            for value, old in zip(trained, before, strict=True):
                value.copy_(old)
        losses = [
            (len(part.ids) / 7, partial(objective.outer_loss, classifier, part, part.pixels))
            for part in parts_of(batch, count)
        ]
        done = update(make_optimizer(Optimizer(lr=0.1), trained), losses, 0.1, 0)
        return done.total, torch.cat([value.detach().flatten() for value in trained])

    (whole, moved), (in_parts, also) = after(1), after(3)
    assert in_parts == pytest.approx(whole, rel=1e-12)
    assert torch.allclose(moved, also, rtol=0, atol=1e-12)
    assert not torch.equal(moved, torch.cat([value.flatten() for value in before]))


@pytest.mark.parametrize(
    ("kind", "settings"),
    [("ft-adv", {}), ("pmg-aft", {"reduction": "sum"}), ("tga-zsr", {"distance": "cos"})],
)
def test_a_loss_that_needs_its_whole_batch_is_not_taken_in_parts(tmp_path, kind, settings):
    chosen = recipe(objective={"kind": kind, "settings": settings}, accumulate=2)
    with pytest.raises(InputError, match=f"accumulate = 2: under '{kind}'"):
        run(tmp_path / "run", chosen)
    assert not (tmp_path / "run").exists()


def test_a_part_is_attacked_and_learned_from_by_itself(tmp_path, monkeypatch):
    seen = []
    plain = nn.Module.__call__

    def counting(module, *inputs, **options):
        if type(module).__name__ == "VisionTransformer":
            seen.append(len(inputs[0]))
        return plain(module, *inputs, **options)

    monkeypatch.setattr(nn.Module, "__call__", counting)
    run(tmp_path / "run", recipe(steps=1, accumulate=4))
    assert set(seen) == {2}
    assert len(seen) == 4 * (2 + 1)


def test_bf16_keeps_weights_and_losses_in_fp32_and_comes_near_fp32(tmp_path):
    run(tmp_path / "fp32", recipe(steps=4))
    there = run(tmp_path / "bf16", recipe(steps=4, precision="bf16"))
    assert all(value.dtype == torch.float32 for value in there.clip.state_dict().values())
    assert totals(tmp_path / "bf16") == pytest.approx(totals(tmp_path / "fp32"), rel=0.03)
    assert totals(tmp_path / "bf16") != totals(tmp_path / "fp32")


def test_inside_bf16_the_tower_computes_in_it_and_hands_out_fp32():
    classifier = classifier_of(tiny_clip(), colours().class_names)
    visual, seen = classifier.visual, []
    hook = visual.transformer.resblocks[0].mlp.c_fc.register_forward_hook
    hook(lambda *parts: seen.append(parts[2].dtype))
    pixels = torch.rand(2, 3, 28, 28)
    plain, kind = classifier(pixels), type(visual)
    with in_precision(visual, "bf16"):
        assert isinstance(visual, kind)
        half, features = classifier(pixels), classifier.features(pixels)
    assert torch.bfloat16 in seen
    assert {half.dtype, features.pooled.dtype, features.patches.dtype} == {torch.float32}
    assert 0 < (half - plain).abs().max() < 2
    assert type(visual) is kind
    assert torch.equal(classifier(pixels), plain)


def test_tf32_is_on_inside_alone():
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    with in_precision(nn.Linear(1, 1), "tf32"):
        assert torch.backends.cuda.matmul.allow_tf32
        assert torch.backends.cudnn.allow_tf32
    assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == before


def test_checkpointed_activations_give_the_same_weights(tmp_path):
    chosen = recipe("tga-zsr", steps=3, activation_checkpointing=True)
    assert chosen.hash == recipe("tga-zsr", steps=3).hash
    kept = weights(run(tmp_path / "kept", recipe("tga-zsr", steps=3)))
    assert weights(run(tmp_path / "again", chosen)) == kept


def test_a_tower_that_cannot_checkpoint_is_refused(tmp_path):
    with pytest.raises(ModelError, match="activation_checkpointing: ModifiedResNet cannot"):
        from tests.training.test_trainable import RESNET

        chosen = recipe(steps=1, activation_checkpointing=True)
        run(tmp_path / "run", chosen, tiny_clip(config=RESNET))


def test_the_log_counts_what_an_image_costs_in_passes_through_the_tower(tmp_path):
    run(tmp_path / "run", recipe(steps=1))  # PGD-2 and one update: 2F + 3F, TeCoA's floor of 7F
    (line,) = log(tmp_path / "run")
    assert line["passes"] == {
        "forwards": 3, "input_backwards": 2, "full_backwards": 1, "partial_backwards": 0,
    }  # fmt: skip


def test_frozen_answers_come_from_disk_the_second_time_and_give_the_same_weights(tmp_path):
    cache = str(tmp_path / "cache")
    chosen = recipe("tga-zsr", steps=4, frozen_cache=cache)
    assert chosen.hash == recipe("tga-zsr", steps=4).hash
    first = weights(run(tmp_path / "first", chosen))
    (file,) = (tmp_path / "cache").iterdir()
    written = file.stat().st_mtime_ns
    assert weights(run(tmp_path / "second", chosen, seed=0)) == first
    assert file.stat().st_mtime_ns == written
    assert log(tmp_path / "second")[0]["passes"]["forwards"] == 2 + 2  # none by the frozen tower
    run(tmp_path / "other", recipe("tga-zsr", steps=1, frozen_cache=cache, resolution=56))
    assert len(list((tmp_path / "cache").iterdir())) == 2


@pytest.mark.parametrize("trainable", ["tower", "linear-probe"])
def test_a_learned_scale_is_trained_held_below_100_and_kept_by_the_model(tmp_path, trainable):
    learned = {"kind": "tecoa", "settings": {"logit_scale": "learned"}}
    chosen = recipe(
        objective=learned, trainable=trainable, steps=4, optimizer={"kind": "adamw", "lr": 0.05}
    )
    there, before = run(tmp_path / "run", chosen), tiny_clip()
    assert there.logit_scale != before.logit_scale
    assert 1 <= there.logit_scale <= 100
    high = tiny_clip()
    with torch.no_grad():
        high.clip.logit_scale.fill_(4.6051)
    assert run(tmp_path / "high", chosen, high).logit_scale <= 100.001
    plain = recipe(trainable=trainable, steps=4)
    assert run(tmp_path / "plain", plain).logit_scale == before.logit_scale


class Head(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))


@pytest.fixture
def odd_objective(monkeypatch):
    """An objective with a module of its own, two updates a batch and a dual."""
    made = []

    def build(settings, classifier) -> Objective:
        plain, head, dual = tecoa(settings, classifier), Head(), Head()

        def outer_loss(student, batch, adversarial) -> LossTerms:
            terms = dict(plain.outer_loss(student, batch, adversarial).terms)
            return LossTerms({**terms, "head": head.scale * terms["cross_entropy"].detach()})

        objective = Objective(
            "odd", plain.inner_loss, outer_loss, modules=head, updates_per_batch=2,
            dual=Dual(dual, 0.5, lambda student, batch: dual.scale * batch.pixels.mean()),
        )  # fmt: skip
        made.append(objective)
        return objective

    entries = {**OBJECTIVES.entries, "odd": ObjectiveKind(TecoaSettings, build)}
    registry = Registry("objective", entries)
    monkeypatch.setattr(recipes, "OBJECTIVES", registry)
    monkeypatch.setattr("zsrobust.objectives.catalogue.OBJECTIVES", registry)
    return made


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def test_modules_updates_and_the_dual_are_run_and_resumed(tmp_path, odd_objective):
    chosen = recipe("odd", steps=6, accumulate=2, optimizer={"kind": "adamw", "lr": 0.01})
    whole = weights(run(tmp_path / "whole", chosen))
    (objective,) = odd_objective
    assert objective.modules.scale.detach() < 1  # minimised
    assert objective.dual.module.scale.detach() > 1  # maximised

    def killing(line) -> None:
        if line.step == 4:
            raise Killed

    with pytest.raises(Killed):
        run(tmp_path / "cut", chosen, on_step=killing)
    assert weights(run(tmp_path / "cut", chosen)) == whole
    resumed = odd_objective[-1]
    assert torch.equal(resumed.modules.scale, objective.modules.scale)
    assert torch.equal(resumed.dual.module.scale, objective.dual.module.scale)


def test_two_updates_a_batch_go_further_than_one(tmp_path, odd_objective):
    twice = weights(run(tmp_path / "twice", recipe("odd", steps=2)))
    assert twice != weights(run(tmp_path / "once", recipe(steps=2)))


def test_what_an_objective_freezes_is_the_model_without_the_untrained_prompt(tmp_path):
    chosen = recipe("tga-zsr", trainable={"visual-prompt": {"size": 6}}, steps=1)
    run(tmp_path / "run", chosen)
    (line,) = log(tmp_path / "run")
    assert line["terms"]["attention_constraint"] > 0  # a frozen copy of the prompted one gives 0


def test_trap_a_random_patch_is_drawn_by_seed_and_step_and_resumed_with_the_same_places(tmp_path):
    chosen = recipe(trainable={"visual-prompt": {"method": "random-patch", "size": 9}}, steps=6)

    def killing(line) -> None:
        if line.step == 3:
            raise Killed

    with pytest.raises(Killed):
        run(tmp_path / "cut", chosen, on_step=killing)
    assert weights(run(tmp_path / "cut", chosen)) == weights(run(tmp_path / "whole", chosen))


def test_batch_norm_and_a_part_of_the_tower_train_together(tmp_path):
    there = run(tmp_path / "run", recipe(trainable={"last-blocks": 1}, steps=2), stemmed_clip())
    before, after = weights(stemmed_clip()), weights(there)
    assert {name for name in after if "conv1" in name and after[name] != before[name]} == set()


def test_tensorboard_without_its_package_is_one_clear_line(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(InputError, match=r"'tensorboard': pip install 'zsrobust\[track\]'"):
        run(tmp_path / "run", recipe(track="tensorboard"))
    assert not (tmp_path / "run").exists()


def test_tensorboard_gets_rate_loss_and_terms(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run(tmp_path / "run", recipe("tga-zsr", steps=3, track="tensorboard"))
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    assert {"lr", "loss", "cross_entropy", "attention_refinement"} <= set(events.Tags()["scalars"])
    assert [event.step for event in events.Scalars("loss")] == [0, 1, 2]
