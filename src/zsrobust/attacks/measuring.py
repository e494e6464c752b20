"""The state in which a classifier is measured, and its return to the one it came in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


@contextmanager
def measuring(classifier: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Eval mode; torch's fused attention, autocast and TF32 off; all put back afterwards.

    With the fused path on, clean and attacked predictions come from two code paths. In fp16, as
    the releases measure, small gradients underflow to 0 and the attack is weaker. TF32, which
    cuDNN takes for convolutions unless told otherwise, is no fp32.
    """
    fused = torch.backends.mha.get_fastpath_enabled()
    tf32 = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    modules = list(classifier.modules()) if isinstance(classifier, nn.Module) else []
    training = [module.training for module in modules]
    torch.backends.mha.set_fastpath_enabled(False)
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    for module in modules:
        module.training = False
    try:
        with torch.autocast("cpu", enabled=False), torch.autocast("cuda", enabled=False):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = tf32
        for module, mode in zip(modules, training, strict=True):
            module.training = mode
