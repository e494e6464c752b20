"""The objectives that are known by name: settings that a recipe fills, and what they build."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from zsrobust.classifier.zero_shot import ZeroShotClassifier
from zsrobust.objectives.objective import Objective
from zsrobust.objectives.tecoa import TecoaSettings, tecoa
from zsrobust.objectives.tga_zsr import TgaZsrSettings, tga_zsr
from zsrobust.registry import Registry
from zsrobust.settings import StrictModel, parse


@dataclass(frozen=True)
class ObjectiveKind:
    """A strict settings model, and the function from it and the classifier to an Objective."""

    settings: type[StrictModel]
    build: Callable[[Any, ZeroShotClassifier], Objective]


OBJECTIVES: Registry[ObjectiveKind] = Registry(
    kind="objective",
    entries={
        "tecoa": ObjectiveKind(TecoaSettings, tecoa),
        "tga-zsr": ObjectiveKind(TgaZsrSettings, tga_zsr),
    },
    see="zsrobust recipes",
)


def build_objective(
    kind: str, settings: Mapping[str, Any], classifier: ZeroShotClassifier, where: str = "objective"
) -> Objective:
    """The objective `kind` for `classifier`, before any training of it.

    Raises UnknownNameError, or SettingsError listing what is wrong with `settings`.
    """
    known = OBJECTIVES[kind]
    return known.build(parse(known.settings, settings, where), classifier)
