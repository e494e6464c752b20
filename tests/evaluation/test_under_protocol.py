"""What a protocol comes to for a dataset: size, prompts, and what the header says of them."""

from dataclasses import replace

import pytest
from tests.data.small_sets import picture

from zsrobust.data.catalogue import load_dataset
from zsrobust.errors import DataError, InputError, RunFolderError, SettingsError
from zsrobust.evaluation.evaluate import evaluate
from zsrobust.evaluation.header_of import model_header
from zsrobust.evaluation.protocol import load_protocol
from zsrobust.evaluation.under_protocol import prompts_under, size_under, templates_under
from zsrobust.evaluation.warnings import warnings_before
from zsrobust.models.card import Card
from zsrobust.records.header import read_header
from zsrobust.testing.tiny_clip import tiny_clip

QUICK = ("steps=2",)


def dataset(**resolutions):
    return replace(load_dataset("scenes-sizes"), resolutions=resolutions)


@pytest.mark.parametrize(
    ("resolution", "own", "size"),
    [
        ("tower", {}, 56),
        ("32", {}, 32),
        ("as-released", {}, "as-released"),
        ("native", {}, "native"),
        ("224x224", {}, "224x224"),
        ("tecoa", {"tecoa": 32}, 32),
        ("tecoa", {"tga": "224x224"}, "as-released"),
        ("tga", {"tga": "224x224"}, "224x224"),
        ("robustvlm", {}, 56),
        ("robustvlm", {"robustvlm": "native"}, "native"),
    ],
)
def test_a_study_takes_the_size_that_the_dataset_says_and_its_own_rule_otherwise(
    resolution, own, size
):
    protocol = load_protocol("pgd-20", [f"resolution={resolution}"])
    assert size_under(protocol, dataset(**own), 56) == size


def test_a_tower_that_takes_any_size_sees_images_as_they_are():
    assert size_under(load_protocol("pgd-20"), dataset(), None) == "native"


def test_the_protocols_own_word_on_prompts_wins_over_a_suites():
    assert prompts_under(load_protocol("pgd-20"), "cifar10", "as-released") == "as-released"
    assert prompts_under(load_protocol("pgd-20"), "cifar10") is None
    chosen = load_protocol("pgd-20", ["prompts=ensemble"])
    assert prompts_under(chosen, "cifar10", "as-released") == "ensemble"
    listed = load_protocol("pgd-20", ["prompts=['one {}']"])
    assert templates_under(listed, dataset()) == ("one {}",)
    assert templates_under(chosen, dataset()) == dataset().templates


def test_a_list_of_prompts_leaves_the_class_names_to_the_suite():
    listed = load_protocol("pgd-20", ["prompts=['one {}']"])
    assert prompts_under(listed, "cifar10", "as-released") == "as-released"


def test_a_suites_word_stands_where_the_set_has_no_prompts_of_the_protocols_kind():
    released = load_protocol("tecoa-as-released")
    assert prompts_under(released, "hateful_memes", "single") == "single"
    assert prompts_under(released, "hateful_memes") == "as-released"
    assert prompts_under(released, "cifar10", "single") == "as-released"


def test_prompts_and_resolution_that_there_are_not_are_refused():
    with pytest.raises(SettingsError, match="prompts"):
        load_protocol("pgd-20", ["prompts=as-relased"])
    with pytest.raises(SettingsError, match="resolution"):
        load_protocol("pgd-20", ["resolution=tecoa2"])


def run(out, **changes):
    options = {"limit": 4, "overrides": QUICK, **changes}
    return evaluate(tiny_clip(), "scenes-sizes", "pgd-20", out, **options)


def test_the_header_holds_the_size_and_the_prompts_that_were_used(tmp_path):
    said = run(tmp_path).header.dataset
    assert (said.resolution, said.prompts) == (tiny_clip().image_size, None)
    assert said.templates == load_dataset("scenes-sizes").templates
    smaller = run(tmp_path / "b", overrides=(*QUICK, "resolution=32", "prompts=['a {}']"))
    assert (smaller.header.dataset.resolution, smaller.header.dataset.templates) == (32, ("a {}",))


def test_the_kind_of_prompts_is_chosen_by_the_caller_where_the_protocol_leaves_it(tmp_path):
    single = run(tmp_path, prompts="single").header.dataset
    assert single.prompts == "single"
    assert single.templates == load_dataset("scenes-sizes", prompts="single").templates
    with pytest.raises(DataError, match="no prompts 'as-released'"):
        run(tmp_path / "b", prompts="as-released")
    with pytest.raises(InputError, match="is loaded already"):
        evaluate(
            tiny_clip(), load_dataset("scenes-sizes"), "pgd-20", tmp_path / "c", prompts="single"
        )


def test_prompts_of_another_kind_than_the_protocols_are_said_before_the_numbers():
    released = load_protocol("tecoa-as-released")
    (said,) = warnings_before(tiny_clip(), released, "single")
    assert said.startswith("The set has no prompts 'as-released': 'single' took their place")
    assert warnings_before(tiny_clip(), released, "as-released") == ()
    assert warnings_before(tiny_clip(), load_protocol("pgd-20"), "single") == ()


def test_a_run_is_not_continued_with_other_prompts(tmp_path):
    done = run(tmp_path, prompts="single")
    with pytest.raises(RunFolderError, match="templates"):
        run(tmp_path, prompts="ensemble")
    assert read_header(done.path).dataset.prompts == "single"


def test_a_smaller_resolution_is_where_the_attack_acts(tmp_path):
    from safetensors.torch import load_file

    done = run(tmp_path, overrides=(*QUICK, "resolution=32"))
    (stored,) = (done.path / "adversarial").glob("*.safetensors")
    assert {tuple(each.shape[1:]) for each in load_file(stored).values()} == {(3, 32, 32)}


def test_a_folder_of_ones_own_has_no_prompts_of_a_study(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        picture().save(tmp_path / "photos" / name / "1.png")
    with pytest.raises(InputError, match="prompts 'as-released'"):
        evaluate(tiny_clip(), tmp_path / "photos", "tga-as-released", tmp_path / "out")


def card(*tuned_on):
    return Card(
        name="x", description="", data="", steps=1, images_seen=1, seed=0, command="", licence="",
        tuned_on=list(tuned_on),
    )  # fmt: skip


def test_the_header_says_what_the_model_was_tuned_on_and_how_much_of_the_set_that_holds(tmp_path):
    model = tiny_clip().named("x", card("scenes-objects", "somebodys-own"))
    header = evaluate(model, "scenes-objects", "clean", tmp_path, limit=4).header
    assert header.model.tuned_on == ("scenes-objects", "somebodys-own")
    assert header.dataset.overlap == {"scenes-objects": 1.0}
    other = evaluate(model, "scenes-sizes", "clean", tmp_path, limit=4).header
    assert other.dataset.overlap == {"scenes-objects": 0.0}
    plain = evaluate(tiny_clip(), "scenes-sizes", "clean", tmp_path / "b", limit=4).header
    assert (plain.model.tuned_on, plain.dataset.overlap) == ((), {})


def test_which_classes_captions_show_is_not_known_and_not_said(tmp_path):
    model = tiny_clip().named("x", card("flickr8k"))
    header = evaluate(model, "scenes-sizes", "clean", tmp_path, limit=4).header
    assert (header.model.tuned_on, header.dataset.overlap) == (("flickr8k",), {})


def test_a_model_of_the_catalogue_without_a_card_was_tuned_on_what_its_entry_says():
    model = tiny_clip().named("tga-zsr-vit-b-32", None)
    assert model_header(model).tuned_on == ("tinyimagenet",)
    assert model_header(tiny_clip()).tuned_on == ()
