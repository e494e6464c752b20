"""Folders of runs as evaluation and training leave them, written by the records room's writers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from zsrobust.data.catalogue import load_dataset
from zsrobust.records.header import (
    DatasetHeader,
    ModelHeader,
    ProtocolHeader,
    RunHeader,
    write_header,
)
from zsrobust.records.record import AttackOutcome, Record, build_record
from zsrobust.records.store import compact, records_folder, write_block
from zsrobust.records.summary import summarise, write_summary
from zsrobust.report.story import Story
from zsrobust.threat_model import parse_eps

TASKS = {
    "scenes-shapes": 14,
    "scenes-heldout": 6,
    "scenes-colours": 10,
    "scenes-textures": 4,
    "scenes-backgrounds": 6,
    "scenes-sizes": 3,
    "scenes-positions": 5,
}
RATES = {  # (clean, robust) on each of the tasks; made up, of the size that first light saw
    "scenes-tiny": [(86, 2), (84, 3), (99, 5), (98, 8), (97, 0), (81, 4), (90, 6)],
    "tecoa": [(74, 52), (55, 33), (74, 48), (27, 27), (45, 28), (60, 41), (62, 40)],
    "tga-zsr": [(80, 57), (66, 41), (89, 61), (59, 42), (24, 24), (70, 46), (75, 49)],
}
SOURCES = {"scenes-tiny": "/usr/lib/zsrobust/models/weights/scenes-tiny"}
STORY = Story(
    title="Zero-shot adversarial robustness, first light",
    titles={"scenes-tiny": "undefended", "tecoa": "TeCoA", "tga-zsr": "TGA-ZSR"},
    order=("scenes-tiny", "tecoa", "tga-zsr"),
    tuned_on={"tecoa": ("scenes-shapes",), "tga-zsr": ("scenes-shapes",)},
    stages=(
        ("Load the undefended model", 2.3),
        ("Attack the undefended model on 7 tasks", 41.0),
        ("Fine-tune with TeCoA on scenes-shapes", 62.0),
        ("Attack the TeCoA model on 7 tasks", 47.5),
        ("Fine-tune with TGA-ZSR on scenes-shapes", 88.0),
        ("Attack the TGA-ZSR model on 7 tasks", 49.0),
    ),
    command="zsrobust quickstart",
)


def header(model: str, dataset: str, n: int, eps: tuple[str, ...] = ("4/255",), **changes):
    names = changes.pop("class_names", None) or load_dataset(dataset).class_names
    own = ("labelled", "notes", "split", "variant", "resolution", "templates", "overlap", "hash")
    changed = {key: changes.pop(key) for key in own if key in changes}
    changed = {"split": "test", "variant": "subset", "hash": f"{dataset}-hash", **changed}
    values = {
        "kind": "evaluate",
        "command": f"zsrobust evaluate --model {model} --dataset {dataset} --protocol pgd-20-eps4",
        "model": ModelHeader(
            name=model,
            hash=f"{model}-hash",
            source=SOURCES.get(model, f"runs/{model}/final"),
        ),
        "dataset": DatasetHeader(
            name=dataset, version=1, n=n, class_names=names, **changed,
        ),
        "protocol": ProtocolHeader(
            name="pgd-20-eps4", hash="pgd-hash",
            content={"norm": "linf", "eps": list(eps), "attack": "pgd", "steps": 20,
                     "losses": ["cross-entropy", "margin"]},
        ),
        "seed": 0,
        "versions": {"python": "3.11.7", "zsrobust": "0.1.0", "torch": "2.8.0"},
        "device": "cpu",
        "threads": 2,
        "batch_size": 64,
        "created": datetime(2026, 1, 1, tzinfo=UTC),
    }  # fmt: skip
    return RunHeader(**{**values, **changes})


def write_cell(out: Path, run: RunHeader, clean: int, robust: int) -> Path:
    """One finished evaluation: `clean` and `robust` percent of its n images, at every eps."""
    n, classes = run.dataset.n, len(run.dataset.class_names)
    folder = out / f"{run.model.name}--{run.dataset.name}--{run.protocol.name}"
    folder.mkdir(parents=True)
    write_header(folder, run)
    constant = clean * classes <= 120
    radii = [parse_eps(eps) for eps in run.protocol.content["eps"]]
    records = []
    for i in range(n):
        right = not run.dataset.labelled or (i % classes == 0 if constant else i < clean * n / 100)
        answer = 0 if constant else (i if right else i + 1) % classes
        label = i % classes if run.dataset.labelled else answer
        stands = right and (constant or i < robust * n / 100)
        records.append(_record(f"{run.dataset.name}/{i}", label, answer, stands, radii))
    write_block(records_folder(folder), 0, records)
    compact(records_folder(folder))
    write_summary(folder, summarise(records, labelled=run.dataset.labelled))
    return folder


def _record(name: str, label: int, answer: int, stands: bool, radii: list[float]) -> Record:
    outcomes = [
        AttackOutcome(
            name="pgd", eps=eps, norm="linf", ran=answer == label,
            prediction=answer if stands or answer != label else label + 1,
            margin=-0.5 if stands else 0.5, distance=eps, iteration=-1 if stands else 3,
            forwards=40 if stands else 4, backwards=40 if stands else 4,
        )
        for eps in radii
    ]  # fmt: skip
    return build_record(name, label, answer, -1.0 if answer == label else 1.0, outcomes)


def write_training(out: Path, name: str, steps: int = 150) -> Path:
    """A finished training: header and log."""
    folder = out / name
    folder.mkdir(parents=True)
    recipe = ProtocolHeader(name=f"{name}-quick", hash="recipe", content={"steps": steps})
    command = f"zsrobust train {name}-quick --model scenes-tiny --dataset scenes-shapes"
    base = ModelHeader(name="scenes-tiny", hash="base-hash", source=SOURCES["scenes-tiny"])
    run = header("scenes-tiny", "scenes-shapes", 13990, kind="train", command=command)
    write_header(folder, run.model_copy(update={"protocol": recipe, "model": base}))
    draws = np.random.default_rng(0)
    lines = []
    for step in range(steps):
        terms = {"adversarial_cross_entropy": 2.6 * np.exp(-step / 60) + 0.9 + draws.normal(0, 0.1)}
        if name == "tga-zsr":
            terms |= {"attention_refinement": 0.3 * np.exp(-step / 40) + draws.uniform(0, 0.05)}
        total = sum(terms.values())
        line = {"step": step, "lr": 0.01, "terms": terms, "total": total, "images_per_second": 180}
        lines.append(json.dumps(line) + "\n")
    (folder / "log.jsonl").write_text("".join(lines))
    return folder


def write_attention(run: Path, dataset: str, wrong: float, n: int = 64, masks: bool = True) -> Path:
    """`figures/attention.npz` with real scenes; `wrong`: the share that the attack fools."""
    images = load_dataset(dataset).first(8)
    draws = np.random.default_rng(int(100 * wrong))
    pictures = np.stack([np.asarray(images.read(i)) for i in range(8)])
    inside = np.stack([images.mask(i) for i in range(8)])
    coarse = inside.reshape(8, 7, 8, 7, 8).mean((2, 4))
    labels = np.array(images.labels)
    fooled = np.arange(8) < 8 * wrong
    noise = draws.uniform(0, 1, coarse.shape)
    moved = np.where(fooled[:, None, None], noise, 0.75 * coarse + 0.25 * noise)
    arrays = {
        "ids": np.array([f"{dataset}/{i}" for i in range(n)]),
        "labels": np.resize(labels, n),
        "class_names": np.array(images.class_names),
        "images": pictures,
        "adversarial": np.clip(pictures + draws.choice([-4, 4], pictures.shape), 0, 255).astype(
            np.uint8
        ),
        "maps_clean": (0.8 * coarse + 0.2 * noise).astype(np.float32),
        "maps_adversarial": moved.astype(np.float32),
        "predictions_clean": labels,
        "predictions_adversarial": np.where(fooled, (labels + 1) % len(images.class_names), labels),
        "eps_text": np.array("4/255"),
        "attack": np.array("pgd-20"),
        "shift_adversarial": draws.uniform(0.1, 0.2 + 0.4 * wrong, n),
        "shift_noise": draws.uniform(0.0, 0.06, n),
    }
    if masks:
        arrays |= {
            "masks": inside,
            "mask_share": np.resize(inside.mean((1, 2)), n),
            "in_mask_clean": draws.uniform(0.4, 0.7, n),
            "in_mask_adversarial": draws.uniform(0.4 - 0.3 * wrong, 0.6 - 0.3 * wrong, n),
            "in_mask_noise": draws.uniform(0.4, 0.7, n),
        }
    shown = ("images", "adversarial", "maps_clean", "maps_adversarial", "masks")
    shown += ("predictions_clean", "predictions_adversarial")
    arrays |= {name: arrays[name][:n] for name in shown if name in arrays}
    (run / "figures").mkdir()
    np.savez_compressed(run / "figures" / "attention.npz", **arrays)
    return run


def write_first_light(out: Path, n: int = 150) -> Path:
    """Three models on seven tasks, two trainings, attention on the held-out shapes."""
    notes = ("Held out of fine-tuning, not of the pretraining of scenes-tiny.",)
    for model, rates in RATES.items():
        for task, (clean, robust) in zip(TASKS, rates, strict=True):
            said = notes if task == "scenes-heldout" else ()
            folder = write_cell(out / "runs", header(model, task, n, notes=said), clean, robust)
            if task == "scenes-heldout":
                write_attention(folder, task, {"scenes-tiny": 1.0, "tecoa": 0.4}.get(model, 0.3))
    for name in ("tecoa", "tga-zsr"):
        write_training(out, name)
    return out


if __name__ == "__main__":
    import sys

    from zsrobust.report.page import write_page

    made = write_first_light(Path(sys.argv[1]))
    print(write_page(made, story=STORY))
