import json
import math
import shutil
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.data.catalogue import load_dataset
from zsrobust.data.pixels import read_pixels
from zsrobust.errors import DataError, InputError, ModelError, RunFolderError
from zsrobust.evaluation.evaluate import evaluate
from zsrobust.records.header import read_header, write_header
from zsrobust.records.record import build_record, clean_right
from zsrobust.records.store import COMPACTED, compact, read_records, records_folder, write_block
from zsrobust.records.summary import FILE_NAME, summarise_run, write_summary
from zsrobust.settings import canonical_hash
from zsrobust.testing.tiny_clip import tiny_clip
from zsrobust.verification.verify import verify

COUNT = 20


def own_labels():
    """Images labelled as a tiny model classifies them, but every fifth."""
    images = load_dataset("scenes-colours").first(COUNT)
    classifier = classifier_of(tiny_clip(), images.class_names, images.templates)
    with torch.no_grad():
        answers = classifier(read_pixels(images, range(COUNT), 28)).argmax(1).tolist()
    labels = [(answer + (i % 5 == 4)) % 10 for i, answer in enumerate(answers)]
    return replace(images, labels=tuple(labels))


COLOURS = own_labels()
QUICK = ("steps=4", "losses=[cross-entropy]", "eps=2/255")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished run of a tiny model, in which some images are fooled and some withstand."""
    out = tmp_path_factory.mktemp("made")
    done = evaluate(tiny_clip(), COLOURS, "pgd-20", out, overrides=QUICK)
    accuracy = done.summary.by_eps[0].robust_accuracy.value
    assert 0 < accuracy < done.summary.clean_accuracy.value
    return done.path


@pytest.fixture
def run(made, tmp_path):
    """A copy of it, to be tampered with."""
    return shutil.copytree(made, tmp_path / "run")


def check(path, images=2, **options):
    return verify(path, images=images, **{"model": tiny_clip(), "dataset": COLOURS} | options)


def verdicts(found):
    return [each.verdict for each in found.checks]


def part(run):
    return run / "adversarial" / "part-00000.safetensors"


def rewrite_images(run, change):
    with safe_open(part(run), "pt") as file:
        metadata, eps = file.metadata(), list(file.keys())
        tensors = {name: file.get_tensor(name) for name in eps}
    save_file(change(tensors), part(run), metadata=metadata)


def rewrite_records(run, change):
    """Other records in a proper file, and the results that follow from them."""
    folder = records_folder(run)
    records = change(read_records(folder))
    (folder / COMPACTED).unlink()
    write_block(folder, 0, records)
    compact(folder)


def rebuilt(record, **changes):
    attacks = tuple(replace(one, **changes) for one in record.attacks)
    return build_record(
        record.id, record.label, record.clean_prediction, record.clean_margin, attacks
    )


def survivor(records):
    """The place of the record that withstands by the widest margin."""
    margins = [each.worst_margin for each in records]
    return margins.index(min(margins))


def test_an_honest_run_passes_all_checks(made):
    seen = []
    found = check(made, images=12, on_image=lambda done, of: seen.append((done, of)))
    assert found.passed and found.first_fault == ""
    assert verdicts(found) == ["pass"] * 3
    stored, reference, counted = found.checks
    assert stored.figures["scored"] == 2 * COUNT
    assert stored.figures["largest change of a margin"] < 1e-3
    assert reference.figures["images"] == reference.figures["agree"] == 12 == len(seen)
    assert reference.figures["McNemar p"] == 1
    assert counted.figures == {"images": COUNT, "attacks": COUNT}
    assert seen[-1] == (12, 12)


def test_a_run_in_l2_at_several_radii_passes(tmp_path):
    overrides = ("steps=3", "norm=l2", 'eps=["0.1", "0.5"]', "restarts=2", "iterate=last")
    done = evaluate(tiny_clip(), COLOURS, "pgd-20", tmp_path, limit=10, overrides=overrides)
    found = check(done.path, images=3)
    assert verdicts(found) == ["pass"] * 3
    assert found.checks[0].figures["scored"] == 30


def test_a_run_of_a_catalogued_model_finds_its_model_and_images_by_itself(tmp_path):
    done = evaluate("scenes-tiny", "scenes-shapes", "pgd-20", tmp_path, limit=4,
                    overrides=("steps=2",), seed=5)  # fmt: skip
    assert verdicts(verify(done.path, images=2)) == ["pass"] * 3
    header = read_header(done.path)
    moved = header.model.model_copy(update={"source": "/nowhere/weights"})
    write_header(done.path, header.model_copy(update={"model": moved}))
    assert verdicts(verify(done.path, images=1)) == ["pass"] * 3


def test_a_flipped_image_is_found_outside_the_ball(run):
    def flip(tensors):
        tensors["2/255"][3] = tensors["2/255"][3].flip(-1)
        return tensors

    rewrite_images(run, flip)
    found = check(run)
    assert verdicts(found) == ["fail", "pass", "pass"]
    assert f"image {COLOURS.ids[3]} at 2/255" in found.first_fault
    assert "outside the ball" in found.first_fault


def test_an_image_swapped_for_its_clean_one_is_found_although_it_lies_in_the_ball(run, made):
    records = read_records(records_folder(made))
    fooled = next(i for i, r in enumerate(records) if clean_right(r) and r.worst_margin > 0)

    def restore(tensors):
        tensors["2/255"][fooled] = read_pixels(COLOURS, [fooled], 28)[0]
        return tensors

    rewrite_images(run, restore)
    faults = "; ".join(check(run).checks[0].faults)
    assert f"image {records[fooled].id} at 2/255: predicted {records[fooled].label}" in faults
    assert "0 from the clean image, recorded is" in faults


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: {"2/255": t["2/255"] * torch.nan}, "not all of them numbers"),
        (lambda t: {"2/255": t["2/255"] - 1}, "outside the box [0, 1]"),
        (lambda t: {"2/255": t["2/255"][:, :, :-1]}, "(3, 27, 28) pixels"),
        (lambda t: {"4/255": t["2/255"]}, "radii ['4/255'], not the protocol's"),
        (lambda t: {"2/255": t["2/255"][1:]}, "another number of images"),
    ],
)
def test_images_that_no_attack_can_have_returned_are_found(run, change, said):
    rewrite_images(run, lambda tensors: {k: v.contiguous() for k, v in change(tensors).items()})
    found = check(run, images=1)
    assert found.checks[0].verdict == "fail"
    assert said in found.first_fault


def test_files_of_images_that_are_damaged_or_of_other_images_are_found(run):
    tensors = {"2/255": torch.zeros(1, 3, 28, 28)}
    save_file(tensors, part(run), metadata={"ids": json.dumps(["other"])})
    part(run).with_name("part-00001.safetensors").write_bytes(b"nonsense")
    part(run).with_name("part-00007.safetensors").write_bytes(part(run).read_bytes())
    faults = check(run, images=1).checks[0].faults
    assert [fault.partition(":")[0] for fault in faults] == [
        "part-00000.safetensors", "part-00001.safetensors", "part-00007.safetensors",
    ]  # fmt: skip
    assert "its ids are not those" in faults[0] and "cannot be read" in faults[1]


def test_an_edited_record_is_found_by_the_images_even_when_the_results_were_edited_too(run):
    records = read_records(records_folder(run))
    place = survivor(records)

    def lose(records):
        wrong = (records[place].label + 1) % 10
        records[place] = rebuilt(records[place], prediction=wrong, margin=0.5)
        return records

    rewrite_records(run, lose)
    before = check(run, images=1)
    assert before.checks[2].verdict == "fail"
    assert "results.json: by_eps[0]." in "; ".join(before.checks[2].faults)
    write_summary(run, summarise_run(run))
    after = check(run, images=1)
    assert verdicts(after)[0::2] == ["fail", "pass"]
    assert f"image {records[place].id} at 2/255: predicted" in after.first_fault
    assert "recorded is" in after.first_fault


def test_an_edited_margin_is_found_although_the_decision_stands(run):
    place = survivor(read_records(records_folder(run)))

    def edit(records):
        records[place] = rebuilt(records[place], margin=records[place].attacks[0].margin * 0.9)
        return records

    rewrite_records(run, edit)
    assert "margin -" in check(run).checks[0].faults[0]


def test_records_that_contradict_themselves_header_or_protocol_are_found(run):
    def spoil(records):
        (one,) = records[2].attacks
        records[0] = replace(records[0], worst_margin=9.0)
        records[1] = replace(records[1], label=(records[1].label + 1) % 10)
        records[2] = replace(records[2], attacks=(replace(one, distance=0.5, ran=not one.ran),))
        records[3] = replace(records[3], attacks=(replace(one, name="x"),))
        records[4] = replace(records[4], attacks=(*records[4].attacks, replace(one, eps=0.3)))
        records[5] = rebuilt(records[5], margin=-records[5].attacks[0].margin)
        records[6] = replace(records[6], clean_margin=-records[6].clean_margin)
        return records[:-1]

    rewrite_records(run, spoil)
    faults = "; ".join(check(run, images=1).checks[2].faults)
    for said in (
        f"records: {COUNT - 1} images, run.json says {COUNT}",
        "ids or labels are not those",
        f"image {COLOURS.ids[0]}: its worst case is not the worst of its attacks",
        f"image {COLOURS.ids[2]}: pgd-ce-4 at 2/255 ran where it had no work",
        "a distance of 0.5 is outside the ball",
        f"image {COLOURS.ids[3]}: its attacks at 2/255 are not the protocol's",
        f"image {COLOURS.ids[4]}: it was attacked at radii that the protocol does not name",
        f"image {COLOURS.ids[5]}: pgd-ce-4 at 2/255: margin and prediction contradict",
        f"image {COLOURS.ids[6]}: the clean margin and prediction contradict",
        "Images attacked by different attacks",
    ):
        assert said in faults


def test_edited_results_are_found(run):
    content = json.loads((run / FILE_NAME).read_text())
    told = content["by_eps"][0]["robust_accuracy"]["value"]
    content["by_eps"][0]["robust_accuracy"]["value"] = 0.99
    (run / FILE_NAME).write_text(json.dumps(content))
    found = check(run)
    assert verdicts(found) == ["pass", "pass", "fail"]
    said = f"results.json: by_eps[0].robust_accuracy.value is 0.99, the records give {told}"
    assert said in found.first_fault
    (run / FILE_NAME).write_text("{")
    assert "cannot be read" in check(run).first_fault


def test_settings_edited_in_the_header_are_found(run):
    header = read_header(run)
    content = header.protocol.content | {"steps": 5}
    protocol = header.protocol.model_copy(update={"content": content})
    write_header(run, header.model_copy(update={"protocol": protocol}))
    faults = "; ".join(check(run, images=1).checks[2].faults)
    assert "settings do not have the hash stated" in faults
    assert "its attacks at 2/255 are not the protocol's" in faults


def test_an_attack_that_fails_on_images_that_fall_is_found_by_the_reference(tmp_path):
    """As if the engine had never moved a pixel: everything right when clean withstands."""
    done = evaluate(tiny_clip(), COLOURS, "pgd-20", tmp_path, keep="none",
                    overrides=("steps=4", "losses=[cross-entropy]", "eps=32/255"))  # fmt: skip
    lame = lambda r: rebuilt(r, prediction=r.clean_prediction, margin=r.clean_margin)  # noqa: E731
    rewrite_records(done.path, lambda records: [lame(each) for each in records])
    write_summary(done.path, summarise_run(done.path))
    found = check(done.path, images=10)
    assert verdicts(found) == ["nothing to do", "fail", "pass"]
    differ, leaning = found.checks[1].faults
    assert "decisions differ, more than 2 %: image" in differ
    assert "recorded withstands, reference fooled by pgd-ce-4" in differ
    assert "lean to one side" in leaning and "by the records alone" in leaning


def test_a_decision_within_a_thousandth_of_a_logit_may_go_either_way(tmp_path):
    model = tiny_clip()
    with torch.no_grad():
        model.clip.logit_scale.fill_(math.log(1e-4))
    done = evaluate(model, COLOURS, "pgd-20", tmp_path, limit=8, overrides=QUICK)

    place = survivor(read_records(records_folder(done.path)))

    def lose(records):
        one, wrong = records[place].attacks[0], (records[place].label + 1) % 10
        records[place] = rebuilt(records[place], prediction=wrong, margin=-one.margin)
        return records

    rewrite_records(done.path, lose)
    stored = check(done.path, images=1, model=model).checks[0]
    assert stored.verdict == "pass"
    assert stored.figures["within 1e-3 logits of a tie"] == 1


def test_without_an_attack_only_the_records_are_checked(tmp_path):
    done = evaluate(tiny_clip(), COLOURS, "clean", tmp_path, limit=10)
    found = verify(done.path)
    assert verdicts(found) == ["nothing to do", "nothing to do", "pass"]
    assert found.passed
    assert "no attack" in found.checks[0].nothing_to_do


def test_without_labels_the_models_own_answers_are_what_is_attacked(tmp_path):
    unlabelled = replace(COLOURS.first(6), labels=None)
    done = evaluate(tiny_clip(), unlabelled, "pgd-20", tmp_path, overrides=QUICK)
    assert verdicts(check(done.path, dataset="scenes-colours")) == ["pass"] * 3


def test_other_precision_or_nothing_right_leaves_the_reference_nothing_to_do(tmp_path, run):
    overrides = (*QUICK[:2], "eps=1/255", "precision=fp16-unscaled")
    half = evaluate(tiny_clip(), COLOURS, "pgd-20", tmp_path, limit=4, overrides=overrides)
    assert "fp16 on purpose" in check(half.path).checks[1].nothing_to_do
    answers = [record.clean_prediction for record in read_records(records_folder(run))]
    images = replace(COLOURS, labels=tuple((answer + 1) % 10 for answer in answers))
    done = evaluate(tiny_clip(), images, "pgd-20", tmp_path / "wrong", overrides=QUICK)
    found = check(done.path, dataset=images)
    assert verdicts(found) == ["pass", "nothing to do", "pass"]


def test_what_cannot_be_verified_is_refused_with_one_clear_line(run, tmp_path):
    header = read_header(run)
    for wrong, said, options in (
        (ModelError, "not the model of the run: its hash is", {"model": tiny_clip(seed=1)}),
        (DataError, "not the images of the run: the hash of", {"dataset": "scenes-shapes"}),
        (DataError, "Unknown dataset 'scenes-colour'", {"dataset": "scenes-colour"}),
        (ModelError, "tiny-clip, was not found.*--model", {"model": None}),
        (InputError, "images = 0", {"images": 0}),
    ):  # fmt: skip
        with pytest.raises(wrong, match=said):
            check(run, **options)
    content = header.protocol.content | {"eight_bit": True}
    for changes, said in (
        ({"kind": "train"}, "a run of training has no records"),
        ({"protocol": header.protocol.model_copy(update={"content": content})}, "zsrobust attack"),
        (
            {"dataset": header.dataset.model_copy(update={"n": 600})},
            r"not finished \(1 of 3 blocks",
        ),
    ):
        write_header(run, header.model_copy(update=changes))
        with pytest.raises(InputError, match=said):
            check(run)
    gone = header.dataset.model_copy(update={"name": "gone"})
    write_header(run, header.model_copy(update={"dataset": gone}))
    with pytest.raises(DataError, match=r"gone, was not found.*--dataset"):
        check(run, dataset=None)
    write_header(run, header)
    (run / FILE_NAME).unlink()
    with pytest.raises(RunFolderError, match=r"1 of 1 blocks are done, and no results\.json"):
        check(run)
    with pytest.raises(RunFolderError, match=r"no run\.json"):
        check(tmp_path)


def test_an_attack_that_means_something_else_now_is_refused(run):
    header = read_header(run)
    content = header.protocol.content | {"attack": "apgd-ce"}
    protocol = header.protocol.model_copy(
        update={"content": content, "hash": canonical_hash(content)}
    )
    write_header(run, header.model_copy(update={"protocol": protocol}))
    with pytest.raises(InputError, match="apgd-ce"):
        check(run)
