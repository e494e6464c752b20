import pytest
import torch
from tests.objectives.drifted import (
    assert_equal_with_gradient,
    cosines,
    drifted,
    gradient,
    own_class,
    softmax,
)

from zsrobust.errors import SettingsError
from zsrobust.objectives.catalogue import build_objective
from zsrobust.testing.tiny_clip import tiny_classifier
from zsrobust.training.recipe import load_recipe


def written_out(setting, scale, alpha, beta, direction, reduction):
    """PMG-AFT from its equation; B-fold weights where the release sums."""
    labels = setting.batch.labels
    attacked = softmax(scale * cosines(setting.student, setting.adversarial))
    clean = softmax(scale * cosines(setting.student, setting.batch.pixels))
    with torch.no_grad():
        teacher = softmax(scale * cosines(setting.original, setting.adversarial))

    def kl(target):
        p, q = (target, attacked) if direction == "target-first" else (attacked, target)
        return (p * (p.log() - q.log())).sum() / (1 if reduction == "sum" else len(labels))

    plain = -own_class(attacked, labels).log().mean()
    return plain + alpha * kl(teacher) + beta * kl(clean)


@pytest.mark.parametrize("direction", ["target-first", "adversarial-first"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("scale", [1.0, 20.0])
def test_pmg_aft_and_its_gradient_equal_the_equation_written_out(direction, reduction, scale):
    chosen = {"alpha": 0.3, "beta": 0.7, "direction": direction, "reduction": reduction}
    setting = drifted("pmg-aft", {**chosen, "logit_scale": scale})
    ours = torch.stack(list(setting.terms().values())).sum()
    theirs = written_out(setting, scale, **chosen)
    assert_equal_with_gradient(ours, theirs, setting.student)


def test_trap_lost_temperature_is_the_scale_1_and_the_default_is_the_models():
    default, released = drifted("pmg-aft"), drifted("pmg-aft", {"logit_scale": 1})
    model_scale = default.student.logit_scale
    assert model_scale > 10
    same = drifted("pmg-aft", {"logit_scale": model_scale})
    plain, stated, lost = (s.terms()["cross_entropy"].item() for s in (default, same, released))
    assert plain == pytest.approx(stated)
    assert plain != pytest.approx(lost, rel=0.1)
    assert torch.allclose(default.inner(), same.inner())
    written = -own_class(
        softmax(cosines(released.student, released.batch.pixels)), released.batch.labels
    ).log()
    assert torch.allclose(released.inner(), written)


def test_trap_kl_reduction_sum_weighs_the_divergences_by_the_batch():
    mean, total = drifted("pmg-aft").terms(), drifted("pmg-aft", {"reduction": "sum"}).terms()
    for name in ("general_divergence", "clean_divergence"):
        assert total[name].item() == pytest.approx(6 * mean[name].item())
    assert total["cross_entropy"].item() == pytest.approx(mean["cross_entropy"].item())


def test_trap_kl_direction_flipped_after_publication_and_both_are_offered():
    now = drifted("pmg-aft").terms()
    before = drifted("pmg-aft", {"direction": "adversarial-first"}).terms()
    for name in ("general_divergence", "clean_divergence"):
        assert now[name].item() != pytest.approx(before[name].item(), rel=1e-3)


def test_trap_the_teacher_sees_the_adversarial_image():
    setting = drifted("pmg-aft", drift=0.0)
    terms = setting.terms()
    assert terms["general_divergence"].item() == pytest.approx(0, abs=1e-10)
    assert terms["clean_divergence"].item() > 1e-3


def test_trap_detached_clean_target_gives_the_same_value_and_another_gradient():
    trained, detached = drifted("pmg-aft"), drifted("pmg-aft", {"clean_target": "detached"})
    ours, theirs = (s.terms()["clean_divergence"] for s in (trained, detached))
    assert ours.item() == pytest.approx(theirs.item())
    assert not torch.allclose(gradient(ours, trained.student), gradient(theirs, detached.student))


@pytest.mark.parametrize(("clean_target", "clean_call"), [("trained", True), ("detached", False)])
def test_cost_is_three_forwards_and_no_graph_of_the_teacher(clean_target, clean_call):
    setting = drifted("pmg-aft", {"clean_target": clean_target})
    setting.terms()
    assert setting.calls == [(True, 6), (False, 6), (clean_call, 6)]


def test_a_step_of_the_attack_costs_one_forward():
    setting = drifted("pmg-aft")
    loss = setting.objective.inner_loss(setting.student, setting.batch)
    assert setting.calls == []
    loss(setting.adversarial)
    assert setting.calls == [(True, 6)]


def test_wrong_settings_are_named():
    with pytest.raises(SettingsError, match="reduction"):
        build_objective("pmg-aft", {"reduction": "batchmean"}, tiny_classifier())
    with pytest.raises(SettingsError, match="logit_scale"):
        build_objective("pmg-aft", {"logit_scale": 0}, tiny_classifier())


def test_the_released_recipe_differs_from_the_plain_one_only_where_the_release_does():
    plain, released = load_recipe("pmg-aft"), load_recipe("pmg-aft-as-released")
    assert plain.objective.settings["logit_scale"] == "model"
    assert released.objective.settings == {
        **plain.objective.settings,
        "logit_scale": 1.0,
        "reduction": "sum",
    }
    assert (
        released.model_copy(update={"objective": plain.objective, "source": plain.source}) == plain
    )
    assert plain.optimizer.lr == 5e-5
    assert (plain.batch_size, plain.epochs, plain.warmup_steps) == (256, 10, 1000)
