"""`zsrobust evaluate`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from zsrobust.cli.options import (
    DataRootOption,
    DeviceOption,
    JsonOption,
    LimitOption,
    OutOption,
    SeedOption,
    SetOption,
)
from zsrobust.errors import InputError


def evaluate(
    model: Annotated[
        list[str],
        typer.Option("--model", help="A model, as `train` takes it. May be given more than once."),
    ],
    dataset: Annotated[
        list[str],
        typer.Option(
            "--dataset",
            help="A catalogued name, a suite (`zsrobust suites`), a folder of class/image files, a "
            ".csv or .parquet of path,label, or hf:ORG/NAME. May be given more than once.",
        ),
    ],
    out: OutOption,
    protocol: Annotated[
        list[str],
        typer.Option("--protocol", help="See `zsrobust protocols`. May be given more than once."),
    ] = ["pgd-20"],  # noqa: B006
    split: Annotated[
        str | None, typer.Option("--split", help="Which part of a dataset; default: test.")
    ] = None,
    prompts: Annotated[
        str | None,
        typer.Option(
            "--prompts",
            help="single, as-released or ensemble, where the protocol leaves it to the dataset.",
        ),
    ] = None,
    data_root: DataRootOption = None,
    classes: Annotated[
        Path | None,
        typer.Option("--classes", help="A file of class names, one a line, for a folder."),
    ] = None,
    skip_missing: Annotated[
        bool, typer.Option("--skip-missing", help="Go on without sets that are not on this disk.")
    ] = False,
    limit: LimitOption = None,
    device: DeviceOption = "auto",
    batch_size: Annotated[
        str, typer.Option("--batch-size", help="A number, or auto: halved when memory runs out.")
    ] = "auto",
    seed: SeedOption = 0,
    shard: Annotated[
        str | None,
        typer.Option("--shard", help="k/K: every K-th block of 256 images, from the k-th."),
    ] = None,
    keep_images: Annotated[
        str, typer.Option("--keep-images", help="Adversarial pixels to keep: none, 64 or all.")
    ] = "64",
    unreadable: Annotated[
        str,
        typer.Option("--unreadable", help="Images that cannot be decoded: stop, or record them."),
    ] = "stop",
    overrides: SetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure clean and robust zero-shot accuracy: one run folder a cell, safe to kill.

    zsrobust evaluate --model photos-mini --dataset my-photos/ --protocol pgd-20 --out runs/mine
    """
    from zsrobust.cli.progress import block_progress
    from zsrobust.cli.results import print_runs
    from zsrobust.evaluation import evaluate as evaluation
    from zsrobust.evaluation.asked import asked_for, present
    from zsrobust.evaluation.protocol import load_protocol
    from zsrobust.models.load import load_model

    if keep_images not in ("none", "64", "all"):
        raise InputError(f"--keep-images {keep_images}: give none, 64 or all.")
    if unreadable not in ("stop", "record"):
        raise InputError(f"--unreadable {unreadable}: give stop or record.")
    if batch_size != "auto" and not (batch_size.isdigit() and int(batch_size) > 0):
        raise InputError(f"--batch-size {batch_size}: give a number, or auto.")
    asked, skipped = present(
        asked_for(dataset, split, prompts), data_root, skip_missing=skip_missing
    )
    if skipped:
        print(skipped, file=sys.stderr)
    runs = []
    protocols = [load_protocol(each, overrides or ()) for each in protocol]
    models = ((name, load_model(name, device)) for name in model)
    for (name, loaded), images, settings in (
        (m, a, p) for m in models for a in asked for p in protocols
    ):
        with block_progress(f"{name} · {images.dataset} · {settings.name}") as on_block:
            runs.append(
                evaluation.evaluate(
                    loaded,
                    images.dataset,
                    settings,
                    out,
                    split=images.split,
                    prompts=images.prompts,
                    suite=images.suite,
                    data_root=data_root,
                    classes_file=classes,
                    limit=limit,
                    device=device,
                    batch_size="auto" if batch_size == "auto" else int(batch_size),
                    seed=seed,
                    shard=shard,
                    keep=keep_images,  # type: ignore[arg-type]
                    unreadable=unreadable,  # type: ignore[arg-type]
                    on_block=on_block,
                )
            )
    print_runs(runs, out, as_json)
