import torch
from tests.objectives.drifted import drifted, embedded

from zsrobust.objectives.frozen_embeddings import FrozenEmbeddings
from zsrobust.objectives.objective import Batch
from zsrobust.testing.tiny_clip import random_images, tiny_classifier


def test_embeddings_are_kept_by_sample_id_and_never_follow_the_training():
    setting = drifted("fare")
    with torch.no_grad():
        expected = embedded(setting.original, setting.batch.pixels)
    setting.inner()
    assert list(setting.objective.memory) == [(f"i{i}", "") for i in range(6)]
    assert torch.allclose(torch.stack(list(setting.objective.memory.values())), expected)
    assert all(parameter.requires_grad for parameter in setting.student.visual.parameters())


def test_a_repeatable_sample_costs_one_forward_however_often_it_is_seen():
    classifier = tiny_classifier()
    calls = []
    classifier.visual.register_forward_hook(lambda m, i, o: calls.append(len(i[0])))
    frozen = FrozenEmbeddings(classifier)
    pixels, labels = random_images(4, classifier)
    calls.clear()
    first = frozen.of_batch(Batch(pixels[:3], labels[:3], ["a", "b", "c"]))
    again = frozen.of_batch(Batch(pixels[1:], labels[1:], ["b", "c", "d"]))
    assert calls == [3, 1]
    assert torch.equal(first[1:], again[:2])
    assert not again.requires_grad


def test_under_a_random_transform_a_batch_costs_one_forward_and_nothing_is_kept():
    classifier = tiny_classifier()
    frozen = FrozenEmbeddings(classifier)
    pixels, labels = random_images(3, classifier)
    batch = Batch(pixels, labels, ["a", "b", "c"], repeatable=False)
    first = frozen.of_batch(batch)
    assert frozen.of_batch(batch) is first
    moved = frozen.of_batch(Batch(pixels.flip(3), labels, batch.ids, repeatable=False))
    assert not torch.equal(moved, first)
    assert frozen.kept == {}


def test_a_batch_of_equal_ids_but_another_object_is_embedded_anew_under_a_random_transform():
    classifier = tiny_classifier()
    frozen = FrozenEmbeddings(classifier)
    pixels, labels = random_images(2, classifier)
    batches = [Batch(p, labels, ["a", "b"], repeatable=False) for p in (pixels, pixels.flip(2))]
    one, other = (frozen.of_batch(batch) for batch in batches)
    assert torch.allclose(one, FrozenEmbeddings(classifier).of_batch(batches[0]))
    assert torch.allclose(other, FrozenEmbeddings(classifier).of_batch(batches[1]))
