"""The resumable state of a training: whole or not at all, whenever a kill comes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zsrobust.errors import RunError
from zsrobust.records.atomic import replacing
from zsrobust.training.averaging import Average
from zsrobust.training.validation import Best

FOLDER = "state"
Memory = MutableMapping[tuple[str, str], Tensor]
_PREFIX = "step-"


@dataclass
class State:
    """All that later steps depend on.

    model: a CLIP, of which the trained tensors are kept. others: what is trained beside it.
    optimizers: that of both, and others'. memory: of the objective. best: of the validations.
    average: of the trained tensors; what is kept in their place, where there is one.
    """

    model: nn.Module
    optimizers: tuple[torch.optim.Optimizer, ...]
    others: tuple[nn.Module, ...] = ()
    memory: Memory = field(default_factory=dict)
    best: Best | None = None
    average: Average | None = None

    def trained(self) -> dict[str, Tensor]:
        """The trained tensors of the model, by name."""
        named = self.model.named_parameters()
        return {name: value.detach() for name, value in named if value.requires_grad}

    def put_back(self, tensors: dict[str, Tensor]) -> None:
        """Copies trained tensors into the model; raises RuntimeError unless they are the same."""
        odd = sorted(set(tensors) ^ set(self.trained()))
        if odd:
            raise RuntimeError(f"'{odd[0]}' is not trained in both")
        self.model.load_state_dict(tensors, strict=False)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The model has the average of the trained tensors inside, where there is one."""
        if self.average is None:
            yield
            return
        own = {name: value.clone() for name, value in self.trained().items()}
        self.put_back(self.average.tensors)
        try:
            yield
        finally:
            self.put_back(own)


def save_state(out: Path, step: int, state: State) -> None:
    """Writes the state after `step` updates, then removes older ones."""
    memory = state.memory
    content = {
        "trained": state.trained(),
        "others": [module.state_dict() for module in state.others],
        "optimizers": [optimizer.state_dict() for optimizer in state.optimizers],
        "memory_keys": list(memory),
        "memory": torch.stack(list(memory.values())) if memory else torch.empty(0),
        "best": None if state.best is None else asdict(state.best),
        "average": None if state.average is None else state.average.tensors,
    }
    with replacing(out / FOLDER / f"{_PREFIX}{step:08d}.pt") as hidden:
        torch.save(content, hidden)
    half_written = (out / FOLDER).glob(f".{_PREFIX}*")
    for older in [*_states(out)[:-1], *half_written]:
        older.unlink()


def finished_updates(out: Path) -> int:
    """How many updates the newest state in `out` had, 0 where there is none."""
    states = _states(out)
    return int(states[-1].stem.removeprefix(_PREFIX)) if states else 0


def load_state(out: Path, state: State) -> int:
    """Restores the newest state into its places; how many updates it had, else 0.

    Raises RunError naming a state that cannot be read.
    """
    states = _states(out)
    if not states:
        return 0
    try:
        content: dict[str, Any] = torch.load(states[-1], weights_only=True, map_location="cpu")
        state.put_back(content["trained"])
        for module, weights in zip(state.others, content["others"], strict=True):
            module.load_state_dict(weights)
        for optimizer, moments in zip(state.optimizers, content["optimizers"], strict=True):
            optimizer.load_state_dict(moments)
        state.memory.update(zip(content["memory_keys"], content["memory"], strict=True))
        state.best = None if content["best"] is None else Best(**content["best"])
        if state.average is not None:
            for name, tensor in state.average.tensors.items():
                tensor.copy_(content["average"][name])
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise RunError(
            f"{states[-1]}: cannot be resumed ({reason}). Delete this file to begin again."
        ) from None
    return finished_updates(out)


def drop_states(out: Path) -> None:
    """Removes the states, once the trained model is in place."""
    shutil.rmtree(out / FOLDER, ignore_errors=True)


def _states(out: Path) -> list[Path]:
    return sorted((out / FOLDER).glob(f"{_PREFIX}*.pt"))
