import pytest
import torch
from torch.nn.functional import normalize

from zsrobust.classifier.class_embeddings import coinciding_classes, embed_classes
from zsrobust.classifier.input_checks import check_labels
from zsrobust.classifier.zero_shot import classifier_of, load_classifier
from zsrobust.errors import InputError, PixelsError
from zsrobust.testing.tiny_clip import random_images, tiny_clip


def test_class_embeddings_are_renormalised_means_of_normalised_template_embeddings():
    model = tiny_clip()
    classes, templates = ["cat", "dog"], ["a photo of a {}.", "a {} in the snow"]
    with torch.no_grad():
        rows = []
        for name in classes:
            texts = [template.format(name) for template in templates]
            embedded = model.clip.encode_text(model.tokenizer(texts))
            unit = embedded / embedded.norm(dim=1, keepdim=True)
            rows.append(unit.mean(0) / unit.mean(0).norm())
    assert torch.allclose(embed_classes(model, classes, templates), torch.stack(rows), atol=1e-6)


def test_the_text_tower_runs_once_for_the_same_names_and_templates(monkeypatch):
    model, calls = tiny_clip(), []
    real = model.clip.encode_text
    monkeypatch.setattr(model.clip, "encode_text", lambda x: calls.append(len(x)) or real(x))
    embed_classes(model, ["cat", "dog"], ["a {}"])
    embed_classes(model, ["cat", "dog"], ["a {}"])
    assert calls == [2]
    embed_classes(model, ["cat", "dog"], ["the {}"])
    assert calls == [2, 2]


def test_logits_are_cosines_times_the_models_own_scale(classifier):
    pixels, _ = random_images(4, classifier)
    model = classifier.model
    with torch.no_grad():
        mean, std = torch.tensor(model.mean), torch.tensor(model.std)
        seen = (pixels - mean.view(3, 1, 1)) / std.view(3, 1, 1)
        image = normalize(model.clip.encode_image(seen), dim=1)
        expected = float(model.clip.logit_scale.exp()) * image @ classifier.class_embeddings.T
        assert torch.allclose(classifier(pixels), expected, atol=1e-4)


def test_trap_other_sizes_are_resized_bicubically_unclipped_and_equal_ones_not_at_all(classifier):
    pixels, _ = random_images(2, classifier)
    assert torch.equal(classifier.preprocess(pixels), (pixels - classifier.preprocess.mean) / 0.25)
    small = torch.rand(2, 3, 14, 14)
    up = torch.nn.functional.interpolate(small, size=(28, 28), mode="bicubic", align_corners=False)
    assert float(up.min()) < 0 and float(up.max()) > 1
    assert torch.allclose(classifier.preprocess(small) * 0.25 + 0.5, up, atol=1e-5)


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (torch.rand(2, 3, 28, 28) * 4 - 2, r"lie in \[0, 1\].*unnormalised"),
        (torch.rand(2, 3, 28, 28) * 255, "Divide by 255"),
        (torch.randint(0, 255, (2, 3, 28, 28)), "floating point"),
        (torch.rand(2, 1, 28, 28), r"\(B, 3, H, W\)"),
        (torch.rand(3, 28, 28), r"\(B, 3, H, W\)"),
        (torch.full((1, 3, 28, 28), float("nan")), "NaN"),
        ([[0.5]], "torch.Tensor"),
    ],
)
def test_wrong_pixels_are_named(classifier, pixels, said):
    with pytest.raises(PixelsError, match=said):
        classifier(pixels)


def test_rounding_just_outside_the_box_is_let_through(classifier):
    assert classifier(torch.full((1, 3, 28, 28), 1 + 5e-7)).shape == (1, 5)


def test_prompts_that_mean_nothing_are_refused():
    model = tiny_clip()
    with pytest.raises(InputError, match="empty"):
        load_classifier(model, [])
    with pytest.raises(InputError, match="Class 1 has an empty name"):
        load_classifier(model, ["cat", " "])
    with pytest.raises(InputError, match="given twice: cat"):
        load_classifier(model, ["cat", "dog", "cat"])
    with pytest.raises(InputError, match=r"must hold '\{\}' once"):
        load_classifier(model, ["cat", "dog"], ["a photo"])
    with pytest.raises(InputError, match="templates is empty"):
        load_classifier(model, ["cat", "dog"], [])


def test_classes_that_coincide_are_named():
    classifier = classifier_of(tiny_clip(), ["crane", "dog", "crane"])
    assert classifier.coinciding == (("crane", "crane"),)
    assert coinciding_classes(torch.eye(3), ["a", "b", "c"]) == ()


def test_a_bare_tower_and_class_embeddings_make_a_classifier():
    tower = torch.nn.Flatten()
    tower.logit_scale = 10.0
    embeddings = torch.randn(3, 3 * 4 * 4)
    classifier = load_classifier((tower, embeddings), ["a", "b", "c"])
    pixels = torch.rand(2, 3, 4, 4)
    expected = 10 * normalize(pixels.flatten(1), dim=1) @ normalize(embeddings, dim=1).T
    assert torch.allclose(classifier(pixels), expected, atol=1e-5)
    with pytest.raises(InputError, match="no text tower"):
        classifier.embed(["a"])
    with pytest.raises(InputError, match=r"\(2, D\)"):
        load_classifier((tower, embeddings), ["a", "b"])
    del tower.logit_scale
    with pytest.raises(InputError, match="logit_scale"):
        load_classifier((tower, embeddings), ["a", "b", "c"])


def test_features_come_from_one_forward_and_pooled_is_the_image_embedding(classifier):
    pixels, _ = random_images(3, classifier)
    with torch.no_grad():
        features = classifier.features(pixels)
        direct = classifier.visual(classifier.preprocess(pixels))
    assert features.patches.shape == (3, 49, 32)
    assert features.grid == (7, 7)
    assert torch.allclose(features.pooled, direct, atol=1e-5)
    assert torch.allclose(classifier.logits(features.pooled), classifier(pixels), atol=1e-3)


def test_double_precision_pixels_are_taken_as_they_are_meant(classifier):
    pixels, _ = random_images(2, classifier)
    assert torch.equal(classifier(pixels.double()), classifier(pixels))


def test_the_tolerance_of_the_box_ends_at_a_millionth(classifier):
    for level in (1 + 5e-6, -5e-6):
        with pytest.raises(PixelsError, match=r"lie in \[0, 1\]"):
            classifier(torch.full((1, 3, 28, 28), level))


def test_labels_out_of_range_are_named():
    check_labels(torch.tensor([0, 4]), 2, 5)
    for labels in (torch.tensor([0, 5]), torch.tensor([-1, 0])):
        with pytest.raises(PixelsError, match=r"lie in \[0, 5\)"):
            check_labels(labels, 2, 5)
    with pytest.raises(PixelsError, match="int64"):
        check_labels(torch.tensor([0, 1], dtype=torch.int32), 2, 5)
    with pytest.raises(PixelsError, match=r"int64 \(3,\)"):
        check_labels(torch.tensor([0, 1]), 3, 5)


def test_known_duplicates_are_let_through_for_catalogued_sets():
    classifier = load_classifier(tiny_clip(), ["crane", "dog", "crane"], known_duplicates=True)
    assert classifier.coinciding == (("crane", "crane"),)


def test_a_bare_tower_needs_class_names_too():
    tower = torch.nn.Flatten()
    tower.logit_scale = 1.0
    with pytest.raises(InputError, match="list of classes is empty"):
        load_classifier((tower, torch.zeros(0, 48)), [])
    with pytest.raises(InputError, match="given twice: a"):
        load_classifier((tower, torch.zeros(2, 48)), ["a", "a"])


def test_the_logit_scale_is_read_from_the_model():
    model = tiny_clip()
    pixels = torch.rand(2, 3, 28, 28)
    before = classifier_of(model, ["cat", "dog"])(pixels)
    with torch.no_grad():
        model.clip.logit_scale += torch.log(torch.tensor(2.0))
    assert torch.allclose(classifier_of(model, ["cat", "dog"])(pixels), 2 * before, rtol=1e-5)
