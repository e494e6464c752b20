"""A recipe with `ema` measures and keeps an average of what is trained."""

import pytest
import torch
from tests.training.small_training import colours, recipe, run, weights

from zsrobust.errors import RunError, RunFolderError, SettingsError
from zsrobust.models.load import load_model
from zsrobust.models.model import Model
from zsrobust.testing.tiny_clip import tiny_clip
from zsrobust.training import loop
from zsrobust.training.averaging import begin_average, decay_at
from zsrobust.training.learned_scale import learn_scale
from zsrobust.training.trainable.catalogue import adapt
from zsrobust.workflows.finetune import finetune

LEARNED = {"kind": "tecoa", "settings": {"logit_scale": "learned"}}
VALIDATION = {"images": 5, "every": 2, "attack": "margin-pgd-20"}


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


@pytest.fixture
def after_steps(monkeypatch) -> list[dict[str, torch.Tensor]]:
    """The trained tensors after each step of what runs in the test, as they come."""
    seen, make_step = [], loop.make_step

    def step(training, *inputs):
        line = make_step(training, *inputs)
        seen.append({name: value.clone() for name, value in training.state.trained().items()})
        return line

    monkeypatch.setattr(loop, "make_step", step)
    return seen


def _student(chosen) -> Model:
    student = adapt(tiny_clip(), chosen.trainable, 0)
    learn_scale(chosen, student)
    return student


def _average(chosen, seen) -> dict[str, torch.Tensor]:
    """By the definition: before the first step it is the model that came in."""
    named = dict(_student(chosen).clip.named_parameters())
    average = {name: named[name].detach().double() for name in seen[0]}
    for number, trained in enumerate(seen):
        kept = min(chosen.ema, (1 + number) / (10 + number))
        average = {
            name: kept * value + (1 - kept) * trained[name].double()
            for name, value in average.items()
        }
    return average


def _with(chosen, tensors) -> Model:
    student = _student(chosen)
    student.clip.load_state_dict(tensors, strict=False)
    return student


@torch.no_grad()
def _answers(model: Model) -> torch.Tensor:
    """Embeddings of some images, times the scale of the logits."""
    pixels = torch.rand(4, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    return model.visual.eval()(pixels) * model.logit_scale


def _killing(*steps):
    def hear(line) -> None:
        if line.step in steps:
            raise Killed

    return hear


@pytest.mark.parametrize(
    "changes",
    [
        {"ema": 0.9},
        {"ema": 0.4, "objective": LEARNED},
        {"ema": 0.9, "trainable": {"last-tensors": 2}},
        {"ema": 0.9, "trainable": {"tokens+padding": {"count": 2, "size": 3}}},
        {"ema": 0.9, "trainable": {"lora": {"rank": 2, "targets": ["c_fc"]}}},
    ],
    ids=["tower", "learned-scale", "last-tensors", "prompts", "lora"],
)
def test_the_model_that_is_kept_is_the_average_of_what_is_trained(tmp_path, after_steps, changes):
    if "lora" in changes.get("trainable", ()):
        pytest.importorskip("peft")
    chosen = recipe(optimizer={"kind": "adamw", "lr": 0.01}, **changes)
    there = run(tmp_path / "run", chosen)
    assert len(after_steps) == 7
    expected = _answers(_with(chosen, _average(chosen, after_steps)))
    assert torch.allclose(_answers(there), expected, rtol=1e-5, atol=1e-4)
    last = _answers(_with(chosen, after_steps[-1]))
    assert (expected - last).abs().max() > 1e-2


def test_averaging_leaves_the_training_and_recipes_without_it_as_they_are(tmp_path):
    averaged, plain = recipe("tga-zsr", ema=0.9), recipe("tga-zsr")
    assert averaged.hash != plain.hash
    assert "ema" not in plain.content
    lines = [
        [(line.total, line.terms) for line in _heard(tmp_path / name, chosen)]
        for name, chosen in (("averaged", averaged), ("plain", plain))
    ]
    assert lines[0] == lines[1]


def _heard(out, chosen) -> list:
    heard = []
    run(out, chosen, on_step=heard.append)
    return heard


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_a_run_stopped_at_several_steps_ends_with_the_same_average(tmp_path, kind):
    chosen = recipe("tga-zsr", steps=14, optimizer={"kind": kind, "lr": 0.003}, ema=0.5)
    whole = weights(run(tmp_path / "whole", chosen))
    for step in (0, 2, 9, 13):
        with pytest.raises(Killed):
            run(tmp_path / "cut", chosen, on_step=_killing(step))
    assert weights(run(tmp_path / "cut", chosen)) == whole


def test_the_average_is_measured_and_the_best_one_kept_over_a_kill(tmp_path, monkeypatch):
    chosen = recipe(ema=0.5, steps=6, validation=VALIDATION, optimizer={"lr": 0.05})
    seen, states = {}, {}

    def validated(training, validate, updates, track):
        def measure(classifier):
            seen[updates] = weights(classifier.model)
            return validate(classifier)

        before = weights(training.student.model)
        found = whole_validation(training, measure, updates, track)
        assert weights(training.student.model) == before
        states[updates] = before
        return found

    whole_validation = loop._validate
    monkeypatch.setattr(loop, "_validate", validated)
    there = finetune(chosen, tiny_clip(), colours(), tmp_path / "whole", device="cpu")
    best = there.card.steps
    assert weights(there) == seen[best] != states[best]
    assert there.card.notes[-2].startswith(f"The state after {best} of 6 steps: the best mean")
    assert f"after each of {best} steps" in there.card.notes[-1]

    def killing(training, step, share_of):
        if step == 5:
            raise Killed
        return make_step(training, step, share_of)

    make_step = loop.make_step
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(loop, "make_step", killing)
        finetune(chosen, tiny_clip(), colours(), tmp_path / "cut", device="cpu")
    cut = finetune(chosen, tiny_clip(), colours(), tmp_path / "cut", device="cpu")
    assert weights(cut) == weights(there)
    assert cut.card.steps == best
    measured = [(tmp_path / name / "validation.jsonl").read_text() for name in ("whole", "cut")]
    assert measured[0] == measured[1]


def test_the_card_says_that_the_weights_are_an_average(tmp_path):
    run(tmp_path / "run", recipe(ema=0.999))
    card = load_model(tmp_path / "run", "cpu").card
    assert card.notes[-1] == (
        "The trained weights are the exponential moving average of those after each of 7 steps "
        "(decay at most 0.999, 0.4375 at the last), not those of one step."
    )
    assert card.recipe["ema"] == 0.999
    plain = run(tmp_path / "plain")
    assert not any("average" in note for note in plain.card.notes)
    assert "ema" not in plain.card.recipe


def test_a_head_of_the_objective_is_not_part_of_the_average(tmp_path, after_steps):
    chosen = recipe("adversarial-training", ema=0.5)
    run(tmp_path / "run", chosen)
    assert set(_average(chosen, after_steps)) == {
        name for name, _ in tiny_clip().clip.named_parameters() if name.startswith("visual.")
    }


def test_a_run_does_not_go_on_with_another_decay(tmp_path):
    with pytest.raises(Killed):
        run(tmp_path / "run", recipe(ema=0.9), on_step=_killing(4))
    with pytest.raises(RunFolderError, match="protocol"):
        run(tmp_path / "run", recipe(ema=0.99))


def test_a_state_without_the_average_cannot_be_resumed(tmp_path):
    chosen = recipe(ema=0.9)
    with pytest.raises(Killed):
        run(tmp_path / "run", chosen, on_step=_killing(4))
    (path,) = (tmp_path / "run" / "state").iterdir()
    content = torch.load(path, weights_only=True)
    torch.save({**content, "average": None}, path)
    with pytest.raises(RunError, match="cannot be resumed"):
        run(tmp_path / "run", chosen)


def test_the_decay_warms_up_so_that_a_short_training_forgets_where_it_began():
    assert decay_at(0, 0.999) == 0.1
    assert decay_at(8, 0.999) == 0.5
    assert decay_at(8_989, 0.999) < 0.999 == decay_at(8_990, 0.999)
    average = begin_average(0.999, {"weight": torch.ones(1)})
    for step in range(60):
        average.update({"weight": torch.zeros(1)}, step)
    assert float(average.tensors["weight"]) < 1e-9


@pytest.mark.parametrize("decay", [0, 1, -0.1, 1.5, "often"])
def test_a_decay_outside_0_to_1_is_refused(decay):
    with pytest.raises(SettingsError, match="ema"):
        recipe(ema=decay)
