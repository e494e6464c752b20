"""Class embeddings that took long are read from the disk the next time, and never wrongly."""

import pytest
import torch

from zsrobust.classifier import kept_embeddings
from zsrobust.classifier.class_embeddings import embed_classes
from zsrobust.testing.tiny_clip import tiny_clip

CLASSES, TEMPLATES = ("cat", "dog", "owl"), ("a photo of a {}.", "a drawing of a {}.")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, in which even six texts are worth a file."""
    monkeypatch.setenv(kept_embeddings.CACHE, str(tmp_path))
    monkeypatch.setattr(kept_embeddings, "MANY", 6)
    return tmp_path / "class-embeddings"


def without_text_tower(model):
    """The model, whose text tower fails when it is asked."""

    def refuse(tokens):
        raise AssertionError("the text tower was asked")

    model.clip.encode_text = refuse
    return model


def test_the_same_texts_are_embedded_once_and_come_back_bit_for_bit(cache):
    embedded = embed_classes(tiny_clip(), CLASSES, TEMPLATES)
    assert len(list(cache.glob("*.safetensors"))) == 1
    again = embed_classes(without_text_tower(tiny_clip()), CLASSES, TEMPLATES)
    assert torch.equal(again, embedded)


def test_another_image_tower_shares_them_and_another_text_tower_does_not(cache):
    embed_classes(tiny_clip(), CLASSES, TEMPLATES)
    tuned = tiny_clip()
    with torch.no_grad():
        next(tuned.visual.parameters()).add_(1)
    embed_classes(without_text_tower(tuned), CLASSES, TEMPLATES)
    other = embed_classes(tiny_clip(seed=1), CLASSES, TEMPLATES)
    assert not torch.equal(other, embed_classes(tiny_clip(), CLASSES, TEMPLATES))
    assert len(list(cache.iterdir())) == 2


def test_other_words_are_other_embeddings(cache):
    one = embed_classes(tiny_clip(), CLASSES, TEMPLATES)
    two = embed_classes(tiny_clip(), ("cat", "dog", "bat"), TEMPLATES)
    assert torch.equal(one[:2], two[:2])
    assert not torch.equal(one[2], two[2])


def test_a_damaged_file_is_written_again(cache):
    embedded = embed_classes(tiny_clip(), CLASSES, TEMPLATES)
    (file,) = cache.iterdir()
    file.write_bytes(file.read_bytes()[:40])
    assert torch.equal(embed_classes(tiny_clip(), CLASSES, TEMPLATES), embedded)
    assert torch.equal(embed_classes(without_text_tower(tiny_clip()), CLASSES, TEMPLATES), embedded)


def test_few_texts_and_a_cache_that_cannot_be_written_need_no_file(cache, monkeypatch, tmp_path):
    embed_classes(tiny_clip(), CLASSES, TEMPLATES[:1])
    assert not cache.exists()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(kept_embeddings.CACHE, str(tmp_path / "file"))
    assert embed_classes(tiny_clip(), CLASSES, TEMPLATES).shape[0] == 3
