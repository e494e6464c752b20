"""What is trained: the facts of the releases that a re-implementation gets wrong."""

from math import prod

import pytest
import torch
from tests.training.small_training import recipe, run, stemmed_clip, weights

from zsrobust.errors import ModelError, SettingsError
from zsrobust.models.build import build_clip
from zsrobust.models.model import Model
from zsrobust.models.visual_prompt import PixelPrompt, PromptTokens
from zsrobust.testing.tiny_clip import CONFIG, tiny_clip
from zsrobust.training.recipe import load_recipe
from zsrobust.training.trainable.catalogue import TRAINABLE, adapt
from zsrobust.training.trainable.settings import KINDS
from zsrobust.training.trainable.tensors import ordered_tensors

VIT_B_32 = {
    "embed_dim": 512,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 224, "layers": 12, "width": 768, "patch_size": 32},
    "text_cfg": {
        "context_length": 77, "vocab_size": 49408, "width": 512, "heads": 8, "layers": 12,
    },
}  # fmt: skip
RESNET = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 8, "head_width": 8},
    "text_cfg": CONFIG["text_cfg"],
}


def chosen(trainable) -> object:
    return recipe(trainable=trainable).trainable


def trained(model: Model) -> dict[str, torch.Tensor]:
    return {name: p for name, p in model.visual.named_parameters() if p.requires_grad}


def adapted(trainable, model: Model | None = None, seed: int = 0) -> Model:
    return adapt(model or tiny_clip(), chosen(trainable), seed)


@pytest.fixture(scope="module")
def vit_b_32() -> list[tuple[str, int]]:
    """The tensors of ViT-B/32's tower as they are counted, and their sizes; no weights needed."""
    with torch.device("meta"):
        visual = build_clip(VIT_B_32, "test").visual
    return [(name, prod(value.shape)) for name, value in ordered_tensors(visual)]


@pytest.mark.parametrize(
    ("n", "count"),
    [(2, 1_536), (4, 3_072), (14, 7_089_408), (26, 14_177_280), (152, 87_849_216)],
)
def test_trap_the_last_n_tensors_of_vit_b_32_are_those_of_the_release(vit_b_32, n, count):
    assert sum(size for _, size in vit_b_32[-n:]) == count


def test_trap_two_last_tensors_are_ln_post_and_proj_never_comes_before_the_150th(vit_b_32):
    names = [name for name, _ in vit_b_32]
    assert names[-2:] == ["ln_post.weight", "ln_post.bias"]
    assert names[-4:-2] == [f"transformer.resblocks.11.ln_2.{part}" for part in ("weight", "bias")]
    assert "proj" not in names[-149:]
    assert names[-150] == "proj"


def test_the_last_tensors_are_trained_and_nothing_else():
    assert set(trained(adapted({"last-tensors": 2}))) == {"ln_post.weight", "ln_post.bias"}


def test_last_blocks_are_twelve_tensors_each_and_the_norm_after_them():
    for n in (1, 2):
        blocks, tensors = adapted({"last-blocks": n}), adapted({"last-tensors": 2 + 12 * n})
        assert set(trained(blocks)) == set(trained(tensors))


def test_the_last_block_of_a_resnet_brings_the_attention_pool():
    names = set(trained(adapted({"last-blocks": 1}, tiny_clip(config=RESNET))))
    assert {name.split(".")[0] for name in names} == {"layer4", "attnpool"}


@pytest.mark.parametrize(("config", "prefix"), [(CONFIG, "proj"), (RESNET, "attnpool.c_proj.")])
def test_a_linear_probe_is_the_map_into_the_space_of_the_texts(config, prefix):
    names = trained(adapted("linear-probe", tiny_clip(config=config)))
    assert names
    assert all(name.startswith(prefix) for name in names)


@pytest.mark.parametrize(
    ("method", "size", "count"),
    [
        ("padding", 5, 13_140), ("padding", 10, 25_680), ("padding", 30, 69_840),
        ("padding", 50, 104_400), ("fixed-patch", 30, 2_700), ("random-patch", 30, 2_700),
    ],
)  # fmt: skip
def test_trap_a_frame_of_30_pixels_at_224_has_69_840_parameters(method, size, count):
    prompt = PixelPrompt(method.replace("-", "_"), size, 224)
    assert sum(p.numel() for p in prompt.parameters()) == count


def test_prompts_are_drawn_from_a_standard_normal_by_the_seed():
    values = torch.cat(
        [p.flatten() for p in trained(adapted({"visual-prompt": {"size": 10}})).values()]
    )
    assert values.mean().abs() < 0.1
    assert (values.std() - 1).abs() < 0.1
    tokens = [trained(adapted({"prompt-tokens": {"count": 3}}, seed=seed)) for seed in (0, 0, 1)]
    same, again, other = (next(iter(found.values())) for found in tokens)
    assert torch.equal(same, again)
    assert not torch.equal(same, other)


def test_trap_the_prompt_is_added_to_the_normalised_image_and_not_clipped():
    student = adapted({"visual-prompt": {"method": "fixed-patch", "size": 28}})
    plain, pixels = tiny_clip().visual, torch.rand(2, 3, 28, 28)
    patch = next(iter(trained(student).values()))
    expected = plain.conv1(pixels + patch)
    assert torch.allclose(student.visual.conv1(pixels), expected, atol=1e-5)


def test_trap_prompt_tokens_come_behind_the_patches_without_positions_before_ln_pre():
    student, plain = adapted({"prompt-tokens": {"count": 3}}), tiny_clip().visual
    tokens = next(iter(trained(student).values()))
    seen = []
    student.visual.ln_pre.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    plain.ln_pre.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    pixels = torch.rand(2, 3, 28, 28)
    student.visual(pixels)
    plain(pixels)
    assert torch.equal(seen[0][:, :50], seen[1])
    assert torch.equal(seen[0][:, 50:], tokens.expand(2, -1, -1))


def test_trap_a_random_patch_moves_at_every_forward():
    student = adapted({"visual-prompt": {"method": "random-patch", "size": 5}})
    outputs = [student.visual(torch.zeros(1, 3, 28, 28)) for _ in range(6)]
    assert len({tuple(out.flatten().tolist()) for out in outputs}) > 1


def test_tokens_and_padding_are_both_trained_and_nothing_else():
    student = adapted({"tokens+padding": {"count": 4, "size": 3}})
    kinds = {type(module) for module in student.visual.modules()}
    assert {PixelPrompt, PromptTokens} <= kinds
    assert sum(p.numel() for p in trained(student).values()) == 4 * 32 + 12 * 3 * 25
    assert student.config["visual_prompt"] == {"kind": "padding", "size": 3, "tokens": 4}


@pytest.mark.parametrize(
    "trainable",
    [{"last-tensors": 3}, "linear-probe", {"visual-prompt": {"size": 4}}, {"prompt-tokens": {}}],
    ids=str,
)
def test_training_changes_what_is_trained_and_leaves_the_rest(tmp_path, trainable):
    before = weights(tiny_clip())
    after = weights(run(tmp_path / "run", recipe("tga-zsr", trainable=trainable, steps=2)))
    names = {f"visual.{name}" for name in trained(adapted(trainable))}
    changed = {name for name in after if before.get(name) != after[name]}
    renamed = {name for name in before if name not in after}
    assert names <= changed
    assert changed - names <= {"visual.conv1.1.weight"}
    assert renamed <= {"visual.conv1.weight"}


def test_a_stem_of_convolutions_can_be_trained_in_part():
    assert len(trained(adapted({"last-blocks": 1}, stemmed_clip()))) == 14


@pytest.mark.parametrize(
    ("trainable", "said"),
    [
        ({"last-tensors": 999}, "has 32 tensors"),
        ({"last-blocks": 3}, "has 2 blocks"),
        ({"visual-prompt": {"size": 20}}, "does not fit an image of 28 px"),
    ],
    ids=str,
)
def test_what_the_model_has_not_cannot_be_trained(trainable, said):
    with pytest.raises(ModelError, match=said):
        adapted(trainable)


def test_a_second_prompt_is_refused():
    with pytest.raises(ModelError, match="has a visual prompt already"):
        adapted({"prompt-tokens": {}}, adapted({"prompt-tokens": {}}))


def test_a_word_and_a_mapping_and_an_override_mean_the_same():
    assert set(KINDS) == set(TRAINABLE)
    assert chosen("tower") == chosen({"kind": "tower"}) == recipe().trainable
    assert chosen({"last-tensors": 2}) == chosen({"kind": "last-tensors", "n": 2})
    assert load_recipe("tecoa", ["trainable.last-tensors=2"]).trainable == chosen(
        {"last-tensors": 2}
    )
    assert load_recipe(load_recipe("tecoa", ["trainable.lora.rank=2"])).trainable.rank == 2


@pytest.mark.parametrize(
    ("trainable", "said"),
    [
        ("towr", "unknown 'towr'. Did you mean 'tower'"),
        ({"lora": {"rnk": 2}}, "unknown key 'trainable.lora.rnk'"),
        ({"last-tensors": 0}, "greater than or equal to 1"),
        ({"lora": {}, "prompt-tokens": {}}, "name one thing that is trained"),
    ],
    ids=str,
)
def test_what_cannot_be_meant_is_refused(trainable, said):
    with pytest.raises(SettingsError, match=said):
        chosen(trainable)
