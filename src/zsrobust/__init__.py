"""Zero-shot adversarial robustness of vision-language models: attack, defend, measure, look.

Everything named here is imported when it is first used, so that `import zsrobust` stays instant.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from zsrobust.attacks.run_attack import run_attack as attack
    from zsrobust.attention.attention_map import attention_map
    from zsrobust.classifier.zero_shot import load_classifier
    from zsrobust.evaluation.evaluate import evaluate
    from zsrobust.models.load import load_model
    from zsrobust.models.model import Model
    from zsrobust.threat_model import ThreatModel
    from zsrobust.workflows.finetune import finetune

_WHERE = {
    "Model": "zsrobust.models.model:Model",
    "ThreatModel": "zsrobust.threat_model:ThreatModel",
    "attack": "zsrobust.attacks.run_attack:run_attack",
    "attention_map": "zsrobust.attention.attention_map:attention_map",
    "evaluate": "zsrobust.evaluation.evaluate:evaluate",
    "finetune": "zsrobust.workflows.finetune:finetune",
    "load_classifier": "zsrobust.classifier.zero_shot:load_classifier",
    "load_model": "zsrobust.models.load:load_model",
}

__all__ = [
    "Model",
    "ThreatModel",
    "__version__",
    "attack",
    "attention_map",
    "evaluate",
    "finetune",
    "load_classifier",
    "load_model",
]


def __getattr__(name: str) -> Any:
    """Imports a public name on first use."""
    if name not in _WHERE:
        raise AttributeError(f"module 'zsrobust' has no attribute '{name}'")
    module, _, attribute = _WHERE[name].partition(":")
    thing = getattr(importlib.import_module(module), attribute)
    globals()[name] = thing
    return thing


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
