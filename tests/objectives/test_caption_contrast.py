from dataclasses import replace

import pytest
import torch
from tests.objectives.small_batches import batch_of, embedded, same_value_and_gradients
from tests.objectives.text_calls import counting_texts

from zsrobust.errors import InputError
from zsrobust.objectives.catalogue import build_objective
from zsrobust.testing.tiny_clip import tiny_classifier

CAPTIONS = ["a cat on a mat", "two ships", "a cat on a mat", "one red bird"]
LABELS = [-1] * 4


def written_out(classifier, pixels, symmetric):
    """Contrast with the captions of the batch; images 0 and 2 share theirs."""
    texts = torch.cat([classifier.embed([caption]) for caption in CAPTIONS])
    z = classifier.logit_scale * embedded(classifier, pixels) @ texts.T
    total = torch.zeros(())
    for i, caption in enumerate(CAPTIONS):
        kept = [j for j in range(4) if j == i or CAPTIONS[j] != caption]
        to_text, to_image = z[i, kept].logsumexp(0) - z[i, i], z[kept, i].logsumexp(0) - z[i, i]
        total = total + ((to_text + to_image) / 2 if symmetric else to_text)
    return total / 4


@pytest.mark.parametrize("direction", ["image-to-text", "symmetric"])
def test_the_loss_and_its_gradient_equal_the_contrast_with_the_captions_written_out(direction):
    classifier = tiny_classifier()
    batch, adversarial = batch_of(classifier, LABELS, captions=CAPTIONS)
    settings = {"texts": "captions", "direction": direction}
    objective = build_objective("tecoa", settings, classifier)
    ours = objective.outer_loss(classifier, batch, adversarial).total
    theirs = written_out(classifier, adversarial, direction == "symmetric")
    same_value_and_gradients(ours, theirs, list(classifier.visual.parameters()))
    attacked = objective.inner_loss(classifier, batch)(adversarial)
    assert attacked.mean().item() == pytest.approx(ours.item(), rel=1e-6)


def test_a_caption_goes_through_the_text_tower_once():
    classifier = tiny_classifier()
    batch, adversarial = batch_of(classifier, LABELS, captions=CAPTIONS)
    with counting_texts(classifier) as texts:
        objective = build_objective("tecoa", {"texts": "captions"}, classifier)
        for _ in range(3):
            objective.inner_loss(classifier, batch)
            objective.outer_loss(classifier, batch, adversarial)
    assert texts == [4]
    assert set(objective.memory) == set(zip(batch.ids, CAPTIONS, strict=True))


def test_another_caption_of_the_same_image_is_another_text():
    classifier = tiny_classifier()
    batch, adversarial = batch_of(classifier, LABELS, captions=CAPTIONS)
    objective = build_objective("tecoa", {"texts": "captions"}, classifier)
    first = objective.outer_loss(classifier, batch, adversarial).total
    other = replace(batch, captions=[*CAPTIONS[:3], "a grey rock"])
    assert objective.outer_loss(classifier, other, adversarial).total.item() != first.item()


def test_images_without_captions_are_refused_with_what_to_do():
    classifier = tiny_classifier()
    batch, _ = batch_of(classifier, LABELS)
    objective = build_objective("tecoa", {"texts": "captions"}, classifier)
    with pytest.raises(InputError, match="texts=class"):
        objective.inner_loss(classifier, batch)
