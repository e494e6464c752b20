import pytest
import yaml

from zsrobust.errors import InputError, SettingsError
from zsrobust.evaluation.protocol import load_protocol
from zsrobust.training.recipe import load_recipe
from zsrobust.workflows.from_release import from_release
from zsrobust.workflows.release_script import load_script, script_names

ROBUSTVLM = (
    "python -m train.adversarial_training_clip --clip_model_name ViT-B-32 --steps 20000 "
    "--warmup 1400 --batch_size 128 --lr 1e-5 --wd 1e-4 --attack pgd --norm linf --eps 1 "
    "--iterations_adv 10 --stepsize_adv 1"
)
ROBUST_NAME = "adversarial_training_clip"
OF_CE = "--loss ce --inner_loss ce --output_normalize True"
TECOA = "--batch_size 256 --dataset ImageNet --train_eps 1 --train_numsteps 2 --train_stepsize 1"


@pytest.mark.parametrize(
    ("line", "recipe"),
    [
        ("TGA-ZSR.py", "tga-zsr"),
        ("TGA-ZSR.py --Alpha 0.08 --Distance_metric l2 --Beta 0.05", "tga-zsr"),
        ("TGA-ZSR.py --Beta 0.009 --attack autoattack", "tga-zsr-autoattack"),
        ("TGA-ZSR.py --Distance_metric cos", "tga-zsr-cos-as-released"),
        ("TGA-ZSR.py --Distance_metric l1", "tga-zsr-l1-as-released"),
        ("python -u ./TGA-ZSR.py --atten_methods 'visual'", "tga-zsr-vision-as-released"),
        ("./TGA-ZSR.py --Method TeCoA --Alpha 0.0 --Beta 0.0 --learning_rate 1e-5", "tecoa"),
        ("TGA-ZSR.py --Method CLIP --Alpha 0.0 --Beta 0.0", "tecoa-lr-1e-4"),
        ("FT.py --Method FT-Clean --VPbaseline True", "ft-clean-as-released"),
        ("FT.py --Method FT-Standard --VPbaseline 0", "ft-adv-as-released"),
        ("Comp-TGA.py", "comp-tga-as-released"),
        (f"CUDA_VISIBLE_DEVICES=4,5 python finetuning.py {TECOA}", "tecoa-as-released"),
        (f"finetuning.py {TECOA} --learning_rate 1e-5", "tecoa-imagenet"),
        (f"visual_prompt.py {TECOA} --add_prompt_size 100 --learning_rate 40", "tecoa-prompts"),
        (f"PMG_AFT.py {TECOA.replace('ImageNet', 'tinyImageNet')}", "pmg-aft-as-released"),
        (ROBUSTVLM, "fare-as-released"),
    ],
)
def test_published_commands_mean_the_recipes_that_state_them(line, recipe):
    assert from_release(line).recipe_name == recipe


@pytest.mark.parametrize(
    ("line", "protocol"),
    [
        ("TGA-ZSR.py", "tga-as-released"),
        ("TGA-ZSR.py --attack autoattack", "tga-autoattack-as-released"),
        ("Comp-TGA.py --attack CW", "tga-cw-as-released"),
        ("finetuning.py --test_eps 1 --test_numsteps 100", "tecoa-as-released"),
        (f"{ROBUSTVLM} --eps 2", "robustvlm-as-released-eps2"),
        (f"{ROBUSTVLM} --eps 4", "robustvlm-as-released-eps4"),
    ],
)
def test_a_test_attack_that_ships_is_named_and_no_file_of_it_is_written(line, protocol):
    meant = from_release(line)
    assert meant.protocol_name == protocol
    assert "protocol.yaml" not in meant.files
    assert f"--protocol {protocol}" in meant.commands[-1]


@pytest.mark.parametrize(
    "line",
    [
        "TGA-ZSR.py --test_eps 2 --last_num_ft 14 --train_eps 4 --dataset cifar10 --VPbaseline",
        "Comp-TGA.py --test_numsteps 7",
        "finetuning.py --autoattack",
        "visual_prompt.py --method null_patch",
        "PMG_AFT.py --CW",
        f"{ROBUSTVLM} {OF_CE} --eps 3 --opt sgd",
    ],
)
def test_what_is_printed_is_what_is_meant(line, tmp_path):
    meant = from_release(line)
    for name, text in meant.files.items():
        (tmp_path / name).write_text(text)
        assert all(len(each) <= 78 for each in text.splitlines())
    assert load_recipe(tmp_path / "recipe.yaml") == meant.recipe
    assert load_protocol(tmp_path / "protocol.yaml").hash == meant.protocol.hash


def test_255ths_and_whole_numbers_become_radii_and_keep_their_flag():
    meant = from_release("TGA-ZSR.py --train_eps 2 --train_stepsize 2 --test_eps 0.5")
    assert (meant.recipe.attack.eps, meant.recipe.attack.step_size) == ("2/255", "2/255")
    assert meant.protocol.settings.eps == ["0.5/255"]
    recipe = meant.files["recipe.yaml"]
    assert "eps: 2/255  # --train_eps 2\n" in recipe
    assert "steps: 2  # --train_numsteps 2, default\n" in recipe
    assert "kind: sgd  # code\n" in recipe


def test_defaults_of_the_release_are_filled_in_and_counted_apart_from_what_is_given():
    meant = from_release("finetuning.py --train_eps 1")
    assert meant.given == ("train_eps",)
    assert {"train_numsteps", "learning_rate", "batch_size"} <= set(meant.defaulted)
    assert (meant.recipe.attack.steps, meant.recipe.batch_size) == (5, 16)
    assert meant.recipe.optimizer.lr == 1e-7
    assert any("nearly untrained" in note for note in meant.notes)


def test_dead_flags_are_named_with_the_reason_and_change_nothing():
    plain = from_release("TGA-ZSR.py")
    dead = from_release("TGA-ZSR.py --arch vit_b16 --patience 3 --noimginprop --gpu 2")
    assert dead.recipe == plain.recipe and dead.protocol == plain.protocol
    assert "ViT-B/32 whatever it says" in dead.dead["--arch vit_b16"]
    assert set(dead.dead) == {"--arch vit_b16", "--patience 3", "--noimginprop"}
    assert dead.elsewhere == {"--gpu 2": "--device"}


def test_a_flag_is_dead_where_another_keeps_it_from_being_read():
    clean = from_release("TGA-ZSR.py --VPbaseline --train_eps 4")
    assert clean.recipe.attack.kind == "none"
    assert clean.dead["--train_eps 4"] == "read only with no --VPbaseline"
    auto = from_release("finetuning.py --autoattack --test_numsteps 50")
    assert "--test_numsteps 50" in auto.dead


@pytest.mark.parametrize(
    ("line", "trainable"),
    [
        ("TGA-ZSR.py --last_num_ft 0", {"kind": "tower"}),
        ("TGA-ZSR.py --last_num_ft 2", {"kind": "last-tensors", "n": 2}),
        ("finetuning.py --last_num_ft -1", {"kind": "tower"}),
        ("finetuning.py --last_num_ft 0", {"kind": "tower"}),
        ("PMG_AFT.py --last_num_ft 14", {"kind": "last-tensors", "n": 14}),
        ("visual_prompt.py", {"kind": "tokens+padding", "count": 10, "size": 30}),
        ("visual_prompt.py --method null_patch", {"kind": "prompt-tokens", "count": 10}),
        (
            "visual_prompt.py --add_prompt_size 0 --prompt_size 20",
            {"kind": "visual-prompt", "method": "padding", "size": 20},
        ),
    ],
)
def test_what_is_trained_is_that_of_the_release(line, trainable):
    assert from_release(line).recipe.trainable.model_dump() == trainable


@pytest.mark.parametrize(
    ("line", "dataset", "resolution"),
    [
        ("TGA-ZSR.py --dataset cifar100", "cifar100", 224),
        ("finetuning.py --dataset cifar100", "cifar100", 32),
        ("PMG_AFT.py --dataset cifar100", "cifar100", "as-released"),
        ("PMG_AFT.py --dataset tinyImageNet", "tinyimagenet", "as-released"),
    ],
)
def test_trap_each_release_attacks_cifar_at_its_own_size(line, dataset, resolution):
    meant = from_release(line)
    assert meant.recipe.resolution == resolution
    assert f"--dataset {dataset} " in meant.commands[0]


def test_tecoa_of_robustvlm_is_told_by_its_two_losses():
    meant = from_release(f"{ROBUSTVLM} {OF_CE} --clip_model_name ViT-L-14 --template blurry")
    assert meant.recipe.objective.kind == "tecoa"
    assert meant.recipe.templates == ["This is a blurry photo of a {}"]
    assert meant.recipe.optimizer.betas == (0.9, 0.999)
    assert "--model ViT-L-14-quickgelu/openai" in meant.commands[0]


def test_a_checkpoint_to_start_from_becomes_a_model_file_counted_from_its_folder():
    meant = from_release("finetuning.py --resume out/best.pth.tar --mix_alpha 0.7 --evaluate", "my")
    start = yaml.safe_load(meant.files["start.yaml"])
    assert start == {
        "checkpoint": "../out/best.pth.tar",
        "base": "ViT-B-32-quickgelu/openai",
        "release": "tecoa",
        "clean_weight": 0.3,
    }
    (only,) = meant.commands
    assert only.startswith("zsrobust evaluate --model my/start.yaml --dataset tecoa16 ")
    assert "--protocol my/protocol.yaml" in only


@pytest.mark.parametrize("script", ["TGA-ZSR.py", "Comp-TGA.py", "PMG_AFT.py"])
def test_what_a_resumed_release_freezes_is_said_to_differ(script):
    assert not any("freezes" in note for note in from_release(script).notes)
    assert any("freezes" in note for note in from_release(f"{script} --resume a.tar").notes)


def test_the_commands_name_seed_sets_and_files():
    meant = from_release("TGA-ZSR.py --seed 3 --test_eps 4 --Alpha 1 --testdata cifar10 oxfordpet")
    train, evaluate = meant.commands
    assert train == (
        "zsrobust train recipe.yaml --model ViT-B-32-quickgelu/openai --dataset tinyimagenet "
        "--data-root DIR --seed 3 --out runs/tga-zsr"
    )
    assert "--dataset cifar10 --dataset pets " in evaluate
    assert "--protocol protocol.yaml --seed 3 " in evaluate


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("TGA-ZSR.py --Aplha 0.1", "no flag --Aplha. Did you mean --Alpha?"),
        ("TGA.py", "Did you mean 'TGA-ZSR.py'?"),
        ("TGA-ZSR.py 0.1", "'0.1' belongs to no flag"),
        ("TGA-ZSR.py --train_eps 4/255", "counts 255ths: 4 is 4/255"),
        ("TGA-ZSR.py --train_stepsize 0.25", "invalid int value: '0.25'"),
        ("TGA-ZSR.py --train_eps 300", "counts 255ths. Give 0 to 255"),
        ("TGA-ZSR.py --Distance_metric l3", "invalid choice: 'l3'"),
        ("TGA-ZSR.py --testdata cifar11", "Did you mean 'cifar10'?"),
        ("TGA-ZSR.py --adaptation_method VPT", "visual_prompt.py"),
        ("TGA-ZSR.py --epochs 0", "TGA-ZSR.py: epochs = 0"),
        ("TGA-ZSR.py --Alpha '0.1", "is no command line"),
        ("Comp-TGA.py --Distance_metric KL", "no branch for it"),
        ("visual_prompt.py --method fixed_patch", "tokens go with a frame alone"),
        ("adversarial_training_clip.py", "Give --attack pgd"),
        (f"{ROBUSTVLM} --inner_loss ce", "attack and loss differ"),
        (f"{ROBUSTVLM} --trades True", "TRADES is no objective here"),
        (f"{ROBUSTVLM} --clean_weight 0.5", "a clean term is no part"),
        (f"{ROBUSTVLM} --output_normalize yes", "write True or False"),
    ],
)
def test_what_has_no_meaning_is_refused_in_one_clear_line(line, said):
    with pytest.raises(InputError) as refused:
        from_release(line)
    assert said in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_flags_may_be_cut_short_as_argparse_allows():
    assert from_release("TGA-ZSR.py --Dist l1").recipe.objective.settings["distance"] == "l1"
    with pytest.raises(SettingsError, match="ambiguous"):
        from_release("TGA-ZSR.py --train 1")


@pytest.mark.parametrize("name", script_names())
def test_the_tables_hold_every_flag_once_and_its_default_is_one_that_can_be_given(name):
    script = load_script(name)
    for flag in script.flags.values():
        assert flag.dead or flag.ours or flag.sets or flag.values or name == ROBUST_NAME
        assert flag.choices is None or flag.default in flag.choices
        assert set(map(str, flag.values)) <= set(flag.choices or map(str, flag.values))


def test_the_flags_of_the_readme_are_all_there():
    shown = {
        "Method", "train_eps", "train_numsteps", "train_stepsize", "test_eps", "test_numsteps",
        "test_stepsize", "arch", "dataset", "seed", "resume", "last_num_ft", "VPbaseline",
        "Distance_metric", "atten_methods", "Alpha", "Beta",
    }  # fmt: skip
    for name in ("TGA-ZSR", "Comp-TGA"):
        assert shown <= set(load_script(name).flags)
