import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from zsrobust.data.catalogue import load_dataset
from zsrobust.errors import InputError, RunFolderError, SettingsError, UnknownNameError
from zsrobust.evaluation import evaluate as evaluation
from zsrobust.evaluation.evaluate import cell_name, evaluate
from zsrobust.evaluation.protocol import PROTOCOLS, load_protocol, protocol_names
from zsrobust.evaluation.shard import block_count, my_blocks
from zsrobust.records.store import read_records, records_folder
from zsrobust.records.summary import read_summary, summarise_run
from zsrobust.testing.tiny_clip import tiny_clip

QUICK = ("steps=3",)
COLOURS = load_dataset("scenes-colours")


def run(out, limit=20, model=None, overrides=QUICK, **options):
    return evaluate(
        model or tiny_clip(), COLOURS, "pgd-20", out, limit=limit, overrides=overrides, **options
    )


def test_a_run_folder_holds_header_records_summary_and_kept_images(tmp_path):
    done = run(tmp_path)
    assert done.path == tmp_path / "tiny-clip--scenes-colours--pgd-20"
    assert done.summary.n == 20
    assert read_summary(done.path) == done.summary == summarise_run(done.path)
    records = read_records(records_folder(done.path))
    assert [record.id for record in records] == list(COLOURS.ids[:20])
    assert {attack.name for record in records for attack in record.attacks} == {
        "pgd-ce-3", "pgd-margin-3",
    }  # fmt: skip
    header = json.loads((done.path / "run.json").read_text())
    assert header["overrides"] == ["steps=3"]
    assert header["dataset"]["class_names"] == list(COLOURS.class_names)
    with safe_open(done.path / "adversarial" / "part-00000.safetensors", "pt") as file:
        assert json.loads(file.metadata()["ids"]) == list(COLOURS.ids[:20])
        assert file.get_tensor("1/255").shape == (20, 3, 28, 28)


def test_the_summary_counts_what_the_records_say(tmp_path):
    done = run(tmp_path, limit=60)
    records = read_records(records_folder(done.path))
    right = sum(record.clean_prediction == record.label for record in records)
    kept = sum(record.worst_prediction == record.label for record in records)
    assert done.summary.clean_accuracy.value == right / 60
    assert done.summary.by_eps[0].robust_accuracy.value == kept / 60


def test_several_radii_are_attacked_each_from_its_own_start(tmp_path):
    done = run(tmp_path, overrides=("steps=3", 'eps=["0.5/255", "8/255"]'))
    rates = [at.robust_accuracy.value for at in done.summary.by_eps]
    assert [at.eps_text for at in done.summary.by_eps] == ["0.5/255", "8/255"]
    assert rates[1] <= rates[0]


def test_a_protocol_without_attack_measures_clean_accuracy_alone(tmp_path):
    done = evaluate(tiny_clip(), COLOURS, "clean", tmp_path, limit=10)
    assert done.summary.by_eps == ()
    assert done.summary.clean_accuracy.n == 10


def test_without_labels_the_result_is_attack_success_and_never_accuracy(tmp_path):
    unlabelled = replace(COLOURS.first(20), labels=None)
    done = evaluate(tiny_clip(), unlabelled, "pgd-20", tmp_path, overrides=QUICK)
    assert done.summary.clean_accuracy is None
    assert done.summary.by_eps[0].robust_accuracy is None
    assert done.summary.by_eps[0].attack_success_rate.n == 20


def test_shards_and_an_interrupted_run_give_the_records_of_one_run(tmp_path):
    whole = run(tmp_path / "whole", limit=600)
    for shard in ("2/3", "1/3"):
        assert run(tmp_path / "parts", limit=600, shard=shard).summary is None
    last = run(tmp_path / "parts", limit=600, shard="3/3")
    assert last.summary == whole.summary
    assert _bytes(last) == _bytes(whole)
    assert run(tmp_path / "parts", limit=600).summary == whole.summary


def _bytes(done):
    return (records_folder(done.path) / "part-all.parquet").read_bytes()


def test_another_runs_folder_is_refused(tmp_path):
    run(tmp_path)
    with pytest.raises(RunFolderError, match="holds another run: dataset"):
        run(tmp_path, limit=21)
    with pytest.raises(RunFolderError, match="seed"):
        run(tmp_path, seed=1)
    with pytest.raises(RunFolderError, match="model"):
        run(tmp_path, model=tiny_clip(seed=1))


def test_when_memory_runs_out_the_batch_is_halved_and_the_header_says_so(tmp_path, monkeypatch):
    real = evaluation.measure_block

    def scarce(*arguments, batch_size, **options):
        if batch_size > 16:
            raise torch.OutOfMemoryError
        return real(*arguments, batch_size=batch_size, **options)

    monkeypatch.setattr(evaluation, "measure_block", scarce)
    done = run(tmp_path)
    assert done.header.batch_size == 16
    assert "halved to 16" in done.header.warnings[-1]
    with pytest.raises(torch.OutOfMemoryError):
        run(tmp_path / "fixed", batch_size=64)


def test_a_radius_below_the_models_canary_is_said_before_the_numbers(tmp_path):
    from zsrobust.models.card import Card

    card = Card(
        name="x", description="", data="", steps=1, images_seen=1, seed=0, command="", licence="",
        canary_eps="4/255",
    )  # fmt: skip
    model = tiny_clip().named("x", card)
    assert "canary eps" in run(tmp_path, model=model).header.warnings[0]
    large = run(tmp_path / "large", model=model, overrides=(*QUICK, "eps=4/255"))
    assert large.header.warnings == ()


KILLED = [
    sys.executable, "-m", "zsrobust", "evaluate", "--dataset", "scenes-colours", "--limit", "700",
    "--protocol", "pgd-20", "--set", "steps=10",
]  # fmt: skip


def kill_and_continue(tiny_folder, tmp_path, waits):
    environment = os.environ | {"OMP_NUM_THREADS": "2"}
    common = [*KILLED, "--model", str(tiny_folder), "--out"]
    for wait in waits:
        with subprocess.Popen(
            [*common, str(tmp_path / "cut")], env=environment, stderr=subprocess.DEVNULL
        ) as process:
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
    for out in ("cut", "whole"):
        subprocess.run(
            [*common, str(tmp_path / out)], env=environment, check=True, capture_output=True
        )
    folder = cell_name("tiny", "scenes-colours", "pgd-20")
    cut, whole = (
        (tmp_path / out / folder / "records" / "part-all.parquet").read_bytes()
        for out in ("cut", "whole")
    )
    assert cut == whole


def test_sigkill_and_the_same_command_again_give_the_same_records(tiny_folder, tmp_path):
    kill_and_continue(tiny_folder, tmp_path, [5.0])


@pytest.mark.slow
def test_many_sigkills_give_the_same_records(tiny_folder, tmp_path):
    kill_and_continue(tiny_folder, tmp_path, [4.0 + 0.4 * i for i in range(10)])


def test_blocks_are_shared_out_over_shards():
    assert block_count(257) == 2
    assert my_blocks(2000, None) == list(range(8))
    assert sorted(b for k in range(1, 4) for b in my_blocks(2000, f"{k}/3")) == list(range(8))
    for wrong in ("0/3", "4/3", "x", "1"):
        with pytest.raises(SettingsError, match="shard"):
            my_blocks(10, wrong)


def test_every_protocol_parses_and_starts_with_the_command_that_uses_it():
    assert protocol_names()
    for path in PROTOCOLS.rglob("*.yaml"):
        protocol = load_protocol(path.stem)
        assert protocol.settings.source
        assert f"--protocol {path.stem} " in path.read_text().splitlines()[0]


def test_a_protocols_hash_sees_every_setting_but_its_source():
    one = load_protocol("pgd-20")
    assert load_protocol("pgd-20", ["source=other"]).hash == one.hash
    assert load_protocol("pgd-20", ["steps=21"]).hash != one.hash
    assert load_protocol(one) is one
    assert load_protocol(one, ["steps=21"]).hash == load_protocol("pgd-20", ["steps=21"]).hash


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("eps=4", 'eps = 4 exceeds 1.*"4/255"'),
        ("eps=[]", "eps is missing"),
        ("attack=none", "attack is 'none'"),
        ("step_size=eps/x", 'write "eps/4"'),
        ("stepz=3", "Did you mean 'steps'"),
        ("norm=linff", "norm"),
        ("losses=[hinge]", "losses"),
    ],
)
def test_a_protocol_that_means_nothing_is_refused(override, said):
    with pytest.raises(SettingsError, match=said):
        load_protocol("pgd-20", [override])


def test_an_unknown_protocol_brings_the_nearest_known():
    with pytest.raises(UnknownNameError, match="Did you mean 'pgd-20'"):
        load_protocol("pdg-20")


def test_a_folder_needs_two_classes_with_different_names(tmp_path):
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    Image.fromarray(np.zeros((9, 9, 3), dtype=np.uint8)).save(tmp_path / "photos/cat/1.png")
    with pytest.raises(InputError, match="has 1 class"):
        evaluate(tiny_clip(), tmp_path / "photos", "clean", tmp_path / "out")
    (tmp_path / "photos" / "dog").mkdir()
    Image.fromarray(np.zeros((9, 9, 3), dtype=np.uint8)).save(tmp_path / "photos/dog/1.png")
    names = tmp_path / "names.txt"
    names.write_text("cat\ncat\n")
    with pytest.raises(InputError, match="given twice: cat"):
        evaluate(tiny_clip(), tmp_path / "photos", "clean", tmp_path / "out", classes_file=names)
    done = evaluate(tiny_clip(), tmp_path / "photos", "pgd-20", tmp_path / "out", overrides=QUICK)
    assert done.summary.n == 2
    with pytest.raises(InputError, match="limit = 0"):
        run(tmp_path / "x", limit=0)


def test_images_without_class_names_have_nothing_to_tell_apart(tmp_path):
    Image.fromarray(np.zeros((9, 9, 3), dtype=np.uint8)).save(tmp_path / "1.png")
    (tmp_path / "pairs.csv").write_text("path,caption\n1.png,a black square\n")
    with pytest.raises(InputError, match="pairs has no class names"):
        evaluate(tiny_clip(), tmp_path / "pairs.csv", "clean", tmp_path / "out")
