"""The shortest complete path: attack a small CLIP, defend it twice, measure, look."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from zsrobust.classifier.zero_shot import classifier_of
from zsrobust.data.catalogue import load_dataset
from zsrobust.data.dataset import Dataset
from zsrobust.data.pixels import read_pixels
from zsrobust.evaluation.evaluate import Run, evaluate
from zsrobust.evaluation.protocol import load_protocol
from zsrobust.explain.attention_shift import measure_attention
from zsrobust.explain.save import attention_file, save_attention
from zsrobust.models.load import load_model
from zsrobust.models.model import Model
from zsrobust.report.page import write_page
from zsrobust.report.story import Story
from zsrobust.settings import StrictModel, parse, read_yaml
from zsrobust.workflows.finetune import finetune

SETTINGS = Path(__file__).with_name("quickstart.yaml")


class Defence(StrictModel):
    """A defence to train: its title on the page, its folder and model name, its recipe."""

    title: str
    name: str
    recipe: str


class Attention(StrictModel):
    """On which task, and how many images, attention is measured."""

    task: str
    images: int


class Strong(StrictModel):
    """The attack that is believed, and on how many images a task there is time for it."""

    protocol: str
    images: int


class QuickstartSettings(StrictModel):
    """What `quickstart.yaml` holds: every count of the quickstart."""

    source: str
    model: str
    protocol: str
    tune_on: str
    defences: list[Defence]
    tasks: list[str]
    images: int
    strong: Strong
    attention: Attention
    seed: int


@dataclass
class Stages:
    """The stages of a workflow: said when they begin, timed when they end."""

    say: Callable[[str], None]
    times: list[tuple[str, float]] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """One stage; `say` hears its name, then how long it took."""
        self.say(f"{name} ...")
        start = time.monotonic()
        yield
        self.times.append((name, time.monotonic() - start))
        self.say(f"{name}: {self.times[-1][1]:.0f} s")


@dataclass(frozen=True)
class QuickstartResult:
    """Where the page is, the runs on it, and how long each stage took in seconds."""

    page: Path
    runs: tuple[Run, ...]
    times: tuple[tuple[str, float], ...]


def load_settings(path: Path = SETTINGS) -> QuickstartSettings:
    """The quickstart's counts, from its YAML."""
    return parse(QuickstartSettings, read_yaml(path), path.name)


def quickstart(
    out: Path,
    *,
    settings: QuickstartSettings | None = None,
    device: str = "auto",
    say: Callable[[str], None] = print,
    command: str = "zsrobust quickstart",
) -> QuickstartResult:
    """Runs the whole path into `out` and writes `out/report.html`.

    Finished parts are kept: the same call continues where it was stopped.
    """
    chosen = settings or load_settings()
    stages = Stages(say)
    with stages.stage("Load the undefended model"):
        base = load_model(chosen.model, device)
    runs = list(_measure(base, "undefended", chosen, out, device, stages))
    for defence in chosen.defences:
        with stages.stage(f"Fine-tune with {defence.title} on {chosen.tune_on}"):
            model = finetune(
                defence.recipe,
                base,
                chosen.tune_on,
                out / defence.name,
                device=device,
                seed=chosen.seed,
            )
        runs += _measure(model, defence.title, chosen, out, device, stages)
    with stages.stage("Write the page"):
        page = write_page(out, story=_story(chosen, base, stages, command))
    return QuickstartResult(page, tuple(runs), tuple(stages.times))


def _measure(
    model: Model, title: str, chosen: QuickstartSettings, out: Path, device: str, stages: Stages
) -> Iterator[Run]:
    with stages.stage(f"Attack the {title} model on {len(chosen.tasks)} tasks"):
        for task in chosen.tasks:
            run = evaluate(
                model,
                task,
                chosen.protocol,
                out / "runs",
                limit=chosen.images,
                device=device,
                seed=chosen.seed,
            )
            if task == chosen.attention.task and not attention_file(run.path).exists():
                _look(model, run, chosen)
            yield run
    strong = chosen.strong
    with stages.stage(f"Attack the {title} model in earnest, {strong.images} images a task"):
        for task in chosen.tasks:
            yield evaluate(
                model,
                task,
                strong.protocol,
                out / "runs",
                limit=strong.images,
                device=device,
                seed=chosen.seed,
            )


def _look(model: Model, run: Run, chosen: QuickstartSettings) -> None:
    """Measures attention on a run's first images and saves it into the run's folder."""
    images = load_dataset(chosen.attention.task).first(chosen.attention.images)
    if images.labels is None:
        return
    positions = range(len(images.ids))
    pixels = read_pixels(images, positions, model.image_size).to(model.device)
    shift = measure_attention(
        classifier_of(model, images.class_names, images.templates),
        pixels,
        torch.tensor(images.labels, dtype=torch.int64, device=model.device),
        images.ids,
        eps=max(load_protocol(chosen.protocol).radii),
        masks=_masks(images),
        seed=chosen.seed,
    )
    save_attention(run.path, shift, images.ids, images.labels, images.class_names)


def _masks(images: Dataset) -> torch.Tensor | None:
    if images.mask is None:
        return None
    return torch.from_numpy(np.stack([images.mask(i) for i in range(len(images.ids))]))


def _story(chosen: QuickstartSettings, base: Model, stages: Stages, command: str) -> Story:
    names = [defence.name for defence in chosen.defences]
    return Story(
        title="Zero-shot adversarial robustness, first light",
        titles={base.name: "undefended"} | {d.name: d.title for d in chosen.defences},
        order=(base.name, *names),
        tuned_on={name: (chosen.tune_on,) for name in names},
        stages=tuple(stages.times),
        command=command,
    )
