"""How many images went forwards and backwards through image towers: what a step costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook
from torch.utils.hooks import RemovableHandle


@dataclass
class Passes:
    """Images through a tower: forwards; backwards to the pixels alone; backwards to the weights.

    pending: backwards of which it is not known yet which of the two they are.
    """

    forwards: int = 0
    input_backwards: int = 0
    full_backwards: int = 0
    pending: int = 0

    @property
    def cost(self) -> int:
        """In forwards of one image: a backward to the pixels is 1, one to the weights is 2."""
        return self.forwards + self.input_backwards + 2 * self.full_backwards


@contextmanager
def counting_passes() -> Iterator[Passes]:
    """Counts the images through every tower inside, frozen copies too.

    A tower is known by its first layer, a convolution of 3 channels: what reaches that layer's
    output, forwards and backwards, has been through all of the rest. A backward is `full` where
    that layer's weights get a gradient; so a tower with a frozen beginning is not for this.
    """
    passes, heard = Passes(), {}

    def forward(module: nn.Module, _inputs: Any, output: Any) -> None:
        if not isinstance(module, nn.Conv2d) or module.in_channels != 3:
            return
        _settle(passes)
        passes.forwards += len(output)
        if not output.requires_grad:
            return
        _hear(output, lambda gradient: _backward(passes, gradient))
        weight = module.weight
        if weight.requires_grad and id(weight) not in heard:
            heard[id(weight)] = _hear(weight, lambda _gradient: _full(passes))

    handle = register_module_forward_hook(forward)
    try:
        yield passes
    finally:
        handle.remove()
        for each in heard.values():
            each.remove()
        _settle(passes)


def _hear(tensor: Tensor, heard: Callable[[Tensor], None]) -> RemovableHandle:
    """Calls `heard` with each gradient of a tensor."""
    handle: RemovableHandle = tensor.register_hook(heard)  # type: ignore[no-untyped-call]
    return handle


def _backward(passes: Passes, gradient: Tensor) -> None:
    passes.pending += len(gradient)


def _full(passes: Passes) -> None:
    """The weights' gradient comes last, summed over all forwards of the graph."""
    passes.full_backwards += passes.pending
    passes.pending = 0


def _settle(passes: Passes) -> None:
    """A backward without a gradient of the weights, if there was one, is over by now."""
    passes.input_backwards += passes.pending
    passes.pending = 0
