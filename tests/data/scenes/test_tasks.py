"""Tasks ask what the captions tell."""

from collections import Counter

import pytest

from zsrobust.data.scenes import SPLITS, TASKS, captions, describe, scene_ids, task_ids
from zsrobust.data.scenes.captions import FORMS
from zsrobust.data.scenes.world import FINETUNING_SHAPES, HELDOUT_SHAPES


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_scenes_own_prompts_are_among_its_captions_and_no_other_class_is(task):
    for scene_id in scene_ids("val")[:200]:
        scene = describe(scene_id)
        told = captions(scene)
        label = task.label(scene)
        for number, name in enumerate(task.class_names):
            prompts = {template.format(name) for template in task.templates}
            assert (prompts <= set(told)) == (number == label)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_labels_name_the_attribute_that_the_task_asks_for(task):
    part = task_ids(task, "val")
    for scene_id, label in zip(part.ids, part.labels, strict=True):
        told = describe(scene_id).attributes
        words = [getattr(told, attribute) for attribute in task.attributes]
        assert task.class_names[label] == " ".join(words)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_constant_answer_scores_chance(task):
    labels = task_ids(task, "test").labels
    best = Counter(labels).most_common(1)[0][1] / len(labels)
    spread = 4 * (1 / len(task.class_names) / len(labels)) ** 0.5
    assert best < 1 / len(task.class_names) + spread


def test_heldout_and_finetuning_shapes_share_no_scene_and_miss_none():
    for split in SPLITS:
        if split == "pretrain":
            continue
        finetuning = set(task_ids(TASKS["scenes-shapes"], split).ids)
        heldout = set(task_ids(TASKS["scenes-heldout"], split).ids)
        assert not finetuning & heldout
        assert finetuning | heldout == set(scene_ids(split))


def test_a_scene_of_a_heldout_shape_takes_no_part_in_the_finetuning_task():
    for scene in map(describe, scene_ids("val")[:200]):
        label = TASKS["scenes-shapes"].label(scene)
        assert (label is None) == (scene.attributes.shape in HELDOUT_SHAPES)
        assert (label is None) == (scene.attributes.shape not in FINETUNING_SHAPES)


def test_every_template_holds_one_place_for_the_name():
    assert all(t.count("{}") == 1 for task in TASKS.values() for t in task.templates)


def test_the_longest_caption_tells_all_six_attributes():
    scene = describe("scenes/test/122000")
    longest = max(captions(scene), key=len)
    assert longest == (
        "a medium striped blue fish in the bottom right of a picture with a cluttered background."
    )


def test_captions_of_one_scene_differ_and_fill_every_field():
    told = captions(describe("scenes/test/122000"))
    assert len(set(told)) == len(told) == sum(len(form.templates) for form in FORMS)
    assert not any("{" in text for text in told)


def test_a_caption_form_fills_only_what_it_names():
    first, second = describe("scenes/test/122000"), describe("scenes/test/122011")
    for form in FORMS:
        alike = all(
            getattr(first.attributes, name) == getattr(second.attributes, name)
            for name in form.attributes
        )
        assert (form.fill(first.attributes) == form.fill(second.attributes)) == alike


def test_every_caption_fits_the_text_tower():
    from open_clip.tokenizer import SimpleTokenizer

    tokenizer = SimpleTokenizer(context_length=64)
    longest = max(
        (text for scene in map(describe, scene_ids("val")[:300]) for text in captions(scene)),
        key=len,
    )
    assert int((tokenizer([longest]) != 0).sum()) <= 32
