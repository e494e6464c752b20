import pytest

from zsrobust.errors import InputError, ModelError
from zsrobust.evaluation.evaluate import evaluate
from zsrobust.models.card import Card
from zsrobust.testing.tiny_clip import CONFIG, tiny_clip
from zsrobust.workflows.interpolation_curve import CLEAN_WEIGHTS, interpolation_curve

CARD = Card(
    name="tuned",
    description="",
    data="",
    steps=1,
    images_seen=1,
    seed=0,
    command="",
    licence="MIT",
    tuned_on=["colours"],
)


def pair():
    base, tuned = tiny_clip(seed=0).named("base", None), tiny_clip(seed=1).named("tuned", CARD)
    return base, tuned


def curve(out, **options):
    base, tuned = pair()
    options = {"clean_weights": [0, 0.25, 1], "limit": 6, "device": "cpu", **options}
    return list(interpolation_curve(base, tuned, ["scenes-shapes"], ["clean"], out, **options))


def test_a_curve_is_a_run_folder_a_weight_from_the_tuned_model_to_the_base(tmp_path):
    points = curve(tmp_path / "mix")
    base, tuned = pair()
    assert [point.clean_weight for point in points] == [0, 0.25, 1]
    assert [point.run.path.name for point in points] == [
        f"tuned-clean-{weight}--scenes-shapes--clean" for weight in ("0", "0.25", "1")
    ]
    first, between, last = (point.run.header.model for point in points)
    assert (first.hash, last.hash) == (tuned.fingerprint, base.fingerprint)
    assert between.hash not in (first.hash, last.hash)
    alone = evaluate(base, "scenes-shapes", "clean", tmp_path / "base", limit=6, device="cpu")
    assert points[-1].run.summary.clean_accuracy == alone.summary.clean_accuracy


def test_a_mixture_says_what_its_robust_part_was_tuned_on(tmp_path):
    first, between, last = (point.run.header.model for point in curve(tmp_path))
    assert first.tuned_on == between.tuned_on == ("colours",)
    assert last.tuned_on == ()


def test_the_same_call_continues_and_measures_nothing_twice(tmp_path):
    curve(tmp_path, clean_weights=[0.5])
    (records,) = tmp_path.glob("*/records/*.parquet")
    before = records.stat().st_mtime_ns
    assert len(curve(tmp_path, clean_weights=[0.5, 1])) == 2
    assert records.stat().st_mtime_ns == before


def test_the_published_weights_are_the_default():
    assert CLEAN_WEIGHTS == (0.0, 0.3, 0.5, 0.7, 1.0)


@pytest.mark.parametrize(
    ("weights", "error", "said"),
    [
        ([0.5, 1.5], ModelError, "clean_weight = 1.5"),
        ([0.5, 0.5], InputError, "0.5, 0.5. Give at least one, and each once"),
        ([], InputError, "none. Give at least one"),
    ],
)
def test_wrong_weights_are_refused_before_anything_is_measured(weights, error, said, tmp_path):
    with pytest.raises(error, match=said):
        curve(tmp_path / "mix", clean_weights=weights)
    assert not (tmp_path / "mix").exists()


def test_models_of_two_kinds_are_not_mixed(tmp_path):
    vision = {**CONFIG["vision_cfg"], "width": 48}
    other = tiny_clip(config={**CONFIG, "vision_cfg": vision})
    with pytest.raises(ModelError, match="cannot be mixed"):
        next(interpolation_curve(other, pair()[1], ["scenes-shapes"], ["clean"], tmp_path))
