"""transformers' own CLIPModel on both sides: it loads what we wrote, we load what it wrote."""

import numpy as np
import pytest
import torch
from PIL import Image
from tests.models.checkpoints import QUICK, base, robust

from zsrobust.classifier.preprocess import Preprocess
from zsrobust.errors import ModelError
from zsrobust.models.checkpoint import load_checkpoint
from zsrobust.models.export_transformers import export_transformers
from zsrobust.models.load import load_model
from zsrobust.testing.tiny_clip import tiny_clip

transformers = pytest.importorskip("transformers")
TEXTS = ["a photo of a cat", "Zürich's 3rd  DOG!", "a very long text " * 9, "naïve 北京 🙂"]


def features(output):
    return getattr(output, "pooler_output", output)


def same(theirs, ours, pixels, tokens):
    with torch.no_grad():
        images, texts = ours.clip.encode_image(pixels), ours.clip.encode_text(tokens["input_ids"])
        torch.testing.assert_close(
            features(theirs.get_image_features(pixel_values=pixels)), images, atol=1e-4, rtol=0
        )
        torch.testing.assert_close(
            features(theirs.get_text_features(**tokens)), texts, atol=1e-4, rtol=0
        )


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "clip"
    export_transformers(robust(), folder)
    return folder


@pytest.mark.parametrize("activation", ["quick_gelu", "gelu"])
def test_clip_model_loads_our_export_with_equal_embeddings(activation, tmp_path):
    model = tiny_clip(2, dict(QUICK) | {"quick_gelu": activation == "quick_gelu"})
    export_transformers(model, tmp_path / "clip")
    theirs, report = transformers.CLIPModel.from_pretrained(
        tmp_path / "clip", output_loading_info=True
    )
    assert not report["missing_keys"] and not report["unexpected_keys"]
    tokens = {"input_ids": model.tokenizer(TEXTS)}
    same(theirs.eval(), model, torch.randn(3, 3, 28, 28), tokens)
    scale = theirs.logit_scale.exp().item()
    assert scale == pytest.approx(model.logit_scale, rel=1e-6)


def test_its_tokenizer_gives_our_tokens_from_our_files(export):
    tokenizer = transformers.CLIPTokenizer.from_pretrained(export)
    ours = robust().tokenizer(TEXTS)
    theirs = tokenizer(TEXTS, padding="max_length", truncation=True, return_tensors="pt")
    for row, (mine, other) in enumerate(zip(ours, theirs["input_ids"], strict=True)):
        length = int(mine.argmax()) + 1
        assert torch.equal(mine[:length], other[:length]), TEXTS[row]
    clip = transformers.CLIPModel.from_pretrained(export).eval()
    with torch.no_grad():
        padded = features(clip.get_text_features(**theirs))
        torch.testing.assert_close(padded, robust().clip.encode_text(ours), atol=1e-4, rtol=0)


def test_its_image_processor_gives_our_normalised_pixels(export):
    model = robust()
    values = np.random.default_rng(0).integers(0, 256, (28, 28, 3), dtype=np.uint8)
    processor = transformers.AutoImageProcessor.from_pretrained(export)
    theirs = processor(Image.fromarray(values), return_tensors="pt")["pixel_values"]
    pixels = torch.from_numpy(values).permute(2, 0, 1)[None].float() / 255
    ours = Preprocess(model.image_size, model.mean, model.std)(pixels)
    torch.testing.assert_close(theirs, ours, atol=1e-4, rtol=0)


def their_config(**change):
    vision = {"hidden_size": 32, "intermediate_size": 128, "num_hidden_layers": 2}
    vision |= {"num_attention_heads": 2, "image_size": 28, "patch_size": 4, "projection_dim": 32}
    text = {"hidden_size": 16, "intermediate_size": 64, "num_hidden_layers": 1}
    text |= {"num_attention_heads": 2, "max_position_embeddings": 16, "vocab_size": 49408}
    return transformers.CLIPConfig(
        vision_config=vision | change, text_config=text | change, projection_dim=32
    )


@pytest.mark.parametrize("activation", ["quick_gelu", "gelu"])
def test_a_clip_model_that_transformers_saved_is_read_by_us(activation, tmp_path):
    torch.manual_seed(0)
    theirs = transformers.CLIPModel(their_config(hidden_act=activation)).eval()
    theirs.save_pretrained(tmp_path / "clip")
    ours = load_model(str(tmp_path / "clip"))
    assert ours.name == "clip"
    same(theirs, ours, torch.randn(3, 3, 28, 28), {"input_ids": ours.tokenizer(TEXTS)})


def test_a_vision_tower_that_transformers_saved_goes_on_its_base(tmp_path):
    torch.manual_seed(0)
    config = their_config().vision_config
    theirs = transformers.CLIPVisionModelWithProjection(config).eval()
    theirs.save_pretrained(tmp_path / "tower")
    ours = load_checkpoint(tmp_path / "tower", base())
    pixels = torch.randn(2, 3, 28, 28)
    with torch.no_grad():
        expected = theirs(pixel_values=pixels).image_embeds
        torch.testing.assert_close(ours.visual(pixels), expected, atol=1e-4, rtol=0)
    with pytest.raises(ModelError, match="needs the text tower of its base"):
        load_model(str(tmp_path / "tower"))
