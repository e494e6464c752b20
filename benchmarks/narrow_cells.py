"""The cells of `narrow_training.py`: each one command, with what must be there before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from narrow_estimate import STARTING, attack_seconds, training_seconds
from narrow_study import Method, Study
from zsrobust.evaluation.protocol import load_protocol


@dataclass(frozen=True)
class Best:
    """The model of the best trial of a search in `folder`, known once it has ended."""

    folder: Path


@dataclass(frozen=True)
class Contender:
    """A model of the table.

    name: of its cells and folders. method: of the study; the undefended model and mixtures have
    none. seed: of its training. source: what the command line is told. needs: cells that make it.
    """

    name: str
    title: str
    source: str | Best
    needs: tuple[str, ...] = ()
    method: str = ""
    seed: int = 0
    clean_weight: float | None = None


@dataclass(frozen=True)
class Cell:
    """A command of zsrobust, run in a process of its own.

    needs: names of the cells that have to be finished. images: that go through the model.
    seconds: on one thread. place: arguments that say where it runs, and not what it is.
    """

    name: str
    arguments: tuple[str | Best, ...]
    needs: tuple[str, ...] = ()
    images: int = 0
    seconds: float = 0.0
    place: tuple[str, ...] = ()

    @property
    def key(self) -> list[str]:
        """What it is, whatever comes out of the search that it waits for."""
        return [str(word.folder) if isinstance(word, Best) else word for word in self.arguments]


@dataclass(frozen=True)
class Plan:
    """All cells of a study in their order, and the models that they come to."""

    study: Study
    out: Path
    datasets: tuple[str, ...]
    data_root: Path | None = None
    device: str = "auto"

    @property
    def contenders(self) -> tuple[Contender, ...]:
        """The undefended model, every method and seed, then the mixtures."""
        study = self.study
        trained = [model for method in study.methods for model in self._seeds(method)]
        undefended = Contender("undefended", "Undefended", study.base)
        return (undefended, *trained, *self._mixtures(trained))

    @property
    def cells(self) -> list[Cell]:
        """The undefended model's measurement, searches, other seeds, measurements, mixtures.

        The longest search begins first, so that none is left alone at the end.
        """
        first, *others = self.contenders
        searches = [self._search(method) for method in self.study.methods]
        searches.sort(key=lambda cell: -cell.seconds)
        trained = [self._training(model) for model in others if model.seed]
        measured = [cell for model in others for cell in self._measured(model)]
        return [*self._measured(first), *searches, *trained, *measured]

    def evaluations(self, model: Contender) -> Path:
        """The folder of a model's runs."""
        return self.out / "evaluations" / model.name

    def search(self, method: Method) -> Path:
        """The folder of a method's search."""
        return self.out / "searches" / method.name

    def _seeds(self, method: Method) -> list[Contender]:
        search = f"search--{method.name}"
        best = Best(self.search(method))
        models = [Contender(method.name, method.title, best, (search,), method.name)]
        for seed in range(1, self.study.seeds if method.seeds else 1):
            name = f"{method.name}-seed-{seed}"
            source = str(self.out / "trainings" / name)
            title = f"{method.title}, seed {seed}"
            models.append(Contender(name, title, source, (f"train--{name}",), method.name, seed))
        return models

    def _mixtures(self, trained: Sequence[Contender]) -> list[Contender]:
        asked = self.study.interpolation
        tuned = next(model for model in trained if model.name == asked.method)
        return [
            Contender(
                f"{tuned.name}-mixed-{weight:g}",
                f"{tuned.title}, {weight:.0%} of the base".replace("%", " %"),
                tuned.source,
                tuned.needs,
                clean_weight=weight,
            )
            for weight in asked.clean_weights
        ]

    def _search(self, method: Method) -> Cell:
        asked = self.study.search
        arguments = ["search", method.recipe, *_each("--grid", method.grid)]
        arguments += ["--trials", str(asked.trials), "--images", str(asked.images)]
        arguments += ["--eps", self.study.eps, "--model", self.study.base]
        arguments += ["--dataset", self.study.dataset, "--out", str(self.search(method))]
        arguments += _each("--set", self.study.settings(method))
        images = asked.trials * (self.study.images_trained + asked.images)
        seconds = STARTING + asked.trials * (
            training_seconds(method.name, self.study.images_trained)
            + attack_seconds("apgd-ce", asked.images, defended=method.attacked)
        )
        return Cell(f"search--{method.name}", tuple(arguments), (), images, seconds, self._place)

    def _training(self, model: Contender) -> Cell:
        method = next(each for each in self.study.methods if each.name == model.method)
        recipe = str(self.search(method) / "best.yaml")
        arguments = ["train", recipe, "--model", self.study.base, "--dataset", self.study.dataset]
        arguments += ["--seed", str(model.seed), "--out", str(model.source)]
        images = self.study.images_trained
        needs = (f"search--{method.name}",)
        seconds = STARTING + training_seconds(method.name, images)
        return Cell(f"train--{model.name}", tuple(arguments), needs, images, seconds, self._place)

    def _measured(self, model: Contender) -> list[Cell]:
        """A cell for each number of images; a set that is not on this disk has none."""
        asked = self.study.evaluation
        parts: dict[int, list[str]] = {}
        for name in self.datasets:
            own = name == self.study.dataset
            images = max(asked.images, asked.images_of_trained) if own else asked.images
            parts.setdefault(images, []).append(name)
        return [self._part(model, names, images) for images, names in parts.items()]

    def _part(self, model: Contender, datasets: Sequence[str], images: int) -> Cell:
        arguments: list[str | Best] = ["evaluate", "--model", model.source]
        if model.clean_weight is not None:
            arguments = ["interpolate", "--base", self.study.base, "--model", model.source]
            arguments += ["--clean-weight", f"{model.clean_weight:g}"]
        arguments += [*_each("--dataset", datasets), "--protocol", self.study.protocol]
        arguments += ["--limit", str(images), "--out", str(self.evaluations(model))]
        attacked = any(m.attacked for m in self.study.methods if m.name == model.method)
        defended = attacked or model.clean_weight is not None
        count = images * len(datasets)
        seconds = STARTING + attack_seconds(self._attack, count, defended=defended)
        name = f"{arguments[0]}--{model.name}--first-{images}"
        return Cell(name, tuple(arguments), model.needs, count, seconds, self._place)

    @property
    def _attack(self) -> str:
        return load_protocol(self.study.protocol).settings.attack

    @property
    def _place(self) -> tuple[str, ...]:
        data = () if self.data_root is None else ("--data-root", str(self.data_root))
        return (*data, "--device", self.device)


def with_needs(cells: Sequence[Cell], only: str) -> list[Cell]:
    """The cells whose name contains `only`, and what they need, in their order."""
    by_name = {cell.name: cell for cell in cells}
    wanted = {cell.name for cell in cells if only in cell.name}
    left = list(wanted)
    while left:
        needs = set(by_name[left.pop()].needs) - wanted
        wanted |= needs
        left += needs
    return [cell for cell in cells if cell.name in wanted]


def _each(option: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (option, value)]
