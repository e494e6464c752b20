import pytest
import torch
from torch import nn

from zsrobust.errors import RunError
from zsrobust.training.recipe import Optimizer
from zsrobust.training.state import State, drop_states, finished_updates, load_state, save_state
from zsrobust.training.step import make_optimizer


def _state(kind: str, updates: int) -> State:
    tower, optimizer = _trained(kind, updates)
    return State(tower, (optimizer,))


def _trained(kind: str, updates: int) -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    tower = nn.Linear(3, 2)
    optimizer = make_optimizer(Optimizer(kind=kind, lr=0.1), tower.parameters())
    for _ in range(updates):
        optimizer.zero_grad()
        tower(torch.ones(1, 3)).square().sum().backward()
        optimizer.step()
    return tower, optimizer


@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_weights_optimiser_and_memory_come_back_as_they_were(tmp_path, kind):
    tower, optimizer = _trained(kind, 3)
    memory = {("image-1", "a cat"): torch.ones(7, 7), ("image-2", "a dog"): torch.zeros(7, 7)}
    its_memory = {}
    save_state(tmp_path, 3, State(tower, (optimizer,), memory=memory))
    other, its_optimizer = _trained(kind, 0)
    assert load_state(tmp_path, State(other, (its_optimizer,), memory=its_memory)) == 3
    assert torch.equal(other.weight, tower.weight)
    assert its_memory.keys() == memory.keys()
    assert all(torch.equal(its_memory[key], memory[key]) for key in memory)
    for (_, there), (_, here) in zip(
        optimizer.state_dict()["state"].items(),
        its_optimizer.state_dict()["state"].items(),
        strict=True,
    ):
        assert there.keys() == here.keys()
        assert all(torch.equal(there[key], here[key]) for key in there)


def test_a_folder_without_a_state_begins_at_nothing(tmp_path):
    assert finished_updates(tmp_path) == 0
    assert load_state(tmp_path, _state("sgd", 0)) == 0


def test_older_and_half_written_states_are_removed(tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / ".step-00000002.77.pt").write_bytes(b"half")
    for step in (2, 4):
        save_state(tmp_path, step, _state("sgd", 1))
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["step-00000004.pt"]
    assert finished_updates(tmp_path) == 4
    drop_states(tmp_path)
    assert not (tmp_path / "state").exists()


def test_a_half_written_state_is_not_resumed(tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / ".step-00000002.77.pt").write_bytes(b"half")
    assert load_state(tmp_path, _state("sgd", 0)) == 0


def test_a_damaged_state_is_named(tmp_path):
    save_state(tmp_path, 2, _state("sgd", 1))
    path = tmp_path / "state" / "step-00000002.pt"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RunError, match=r"step-00000002\.pt: cannot be resumed"):
        load_state(tmp_path, _state("sgd", 0))
