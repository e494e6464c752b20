"""The state in which a classifier is measured, and its return to the one it came in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def measuring(classifier: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Eval mode, torch's fused attention and autocast off while measuring; all put back afterwards.

    With the fused path on, clean and attacked predictions come from two code paths. In fp16, as
    the releases measure, small gradients underflow to 0 and the attack is weaker.
    """
    fused = torch.backends.mha.get_fastpath_enabled()
    modules = list(classifier.modules()) if isinstance(classifier, nn.Module) else []
    training = [module.training for module in modules]
    torch.backends.mha.set_fastpath_enabled(False)
    for module in modules:
        module.training = False
    try:
        with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
        for module, mode in zip(modules, training, strict=True):
            module.training = mode
