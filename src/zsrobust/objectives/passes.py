"""How many images went forwards and backwards through image towers: what a step costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import register_multi_grad_hook
from torch.nn.modules.module import register_module_forward_hook
from torch.utils.hooks import RemovableHandle


@dataclass
class Passes:
    """Images through a tower: forwards; backwards to the pixels alone, to all weights, and partial.

    A partial backward ends inside the tower: at the first layer that is trained where the layers
    before it are frozen, or at the tokens of which Grad-CAM asks the gradient.
    """

    forwards: int = 0
    input_backwards: int = 0
    full_backwards: int = 0
    partial_backwards: int = 0

    @property
    def cost(self) -> int:
        """In forwards of one image: a backward to the pixels is 1, one to the weights is 2.

        Partial backwards stand apart: each is between 0 and 2, by where it ends.
        """
        return self.forwards + self.input_backwards + 2 * self.full_backwards

    def per_image(self, count: int) -> dict[str, float]:
        """The counts of a batch of `count` images, for each of them."""
        return {name: number / count for name, number in asdict(self).items()}


_COUNTING: list[Passes] = []
"""Those that count now; a backward that no hook can hear is told to all of them."""


def note_partial_backward(images: int) -> None:
    """Counts a backward that ends at activations: the objective that makes it says so."""
    for passes in _COUNTING:
        passes.partial_backwards += images


@contextmanager
def counting_passes(trained: nn.Module | None = None) -> Iterator[Passes]:
    """Counts the images through every tower inside, frozen copies too.

    A tower is known by its first layer, a convolution of 3 channels: what reaches that layer's
    output, forwards and backwards, has been through all of the rest. A backward is `full` where
    that layer's weights get a gradient. trained: a tower of which only a part is trained; a
    backward of its weights that never comes to the first layer is `partial`, for all images that
    went forwards with a graph since the last one.
    """
    counter = _Counter(Passes(), frozenset(() if trained is None else trained.modules()))
    handles = [register_module_forward_hook(counter.forward)]
    weights = [] if trained is None else [p for p in trained.parameters() if p.requires_grad]
    if weights:
        handles.append(register_multi_grad_hook(weights, counter.partial, mode="any"))
    _COUNTING.append(counter.passes)
    try:
        yield counter.passes
    finally:
        _COUNTING.pop()
        for each in (*handles, *counter.first_layers.values()):
            each.remove()
        counter.settle()


@dataclass
class _Counter:
    """What is heard of towers while counting.

    layers: of the tower that is trained in part. pending: images of backwards that came to a first
    layer, of which it is not known yet whether its weights get a gradient. inside: images whose
    graph begins behind the first of `layers`.
    """

    passes: Passes
    layers: frozenset[nn.Module]
    pending: int = 0
    inside: int = 0
    first_layers: dict[int, RemovableHandle] = field(default_factory=dict)

    def forward(self, module: nn.Module, _inputs: Any, output: Any) -> None:
        if not isinstance(module, nn.Conv2d) or module.in_channels != 3:
            return
        self.settle()
        self.passes.forwards += len(output)
        if not output.requires_grad:
            if module in self.layers and torch.is_grad_enabled():
                self.inside += len(output)
            return
        _hear(output, self._backward)
        weight = module.weight
        if weight.requires_grad and id(weight) not in self.first_layers:
            self.first_layers[id(weight)] = _hear(weight, self._full)

    def partial(self, _gradient: Tensor) -> None:
        """A backward of trained weights has begun: no first layer will hear of these images."""
        self.passes.partial_backwards += self.inside
        self.inside = 0

    def settle(self) -> None:
        """A backward without a gradient of the weights, if there was one, is over by now."""
        self.passes.input_backwards += self.pending
        self.pending = 0

    def _backward(self, gradient: Tensor) -> None:
        self.pending += len(gradient)

    def _full(self, _gradient: Tensor) -> None:
        """The weights' gradient comes last, summed over all forwards of the graph."""
        self.passes.full_backwards += self.pending
        self.pending = 0


def _hear(tensor: Tensor, heard: Callable[[Tensor], None]) -> RemovableHandle:
    """Calls `heard` with each gradient of a tensor."""
    handle: RemovableHandle = tensor.register_hook(heard)  # type: ignore[no-untyped-call]
    return handle
