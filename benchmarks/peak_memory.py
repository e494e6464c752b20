"""How much memory a process has needed at most, as Linux or CUDA counts it."""

from __future__ import annotations

from pathlib import Path

import torch

MIB = 2**20


class PeakMemory:
    """Counts from its making; where the system keeps no such record, `mib` is None."""

    def __init__(self) -> None:
        try:
            Path("/proc/self/clear_refs").write_text("5")
        except OSError:
            self._before: float | None = None
        else:
            self._before = _field("VmRSS")

    @property
    def mib(self) -> float | None:
        """MiB at the highest point since, beyond what was held at the start."""
        return None if self._before is None else _field("VmHWM") - self._before


def _field(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(name))


class CudaPeakMemory:
    """The same of the tensors on the current GPU."""

    def __init__(self) -> None:
        torch.cuda.reset_peak_memory_stats()
        self._before = torch.cuda.memory_allocated()

    @property
    def mib(self) -> float:
        """MiB at the highest point since, beyond what was held at the start."""
        return (torch.cuda.max_memory_allocated() - self._before) / MIB


def peak_memory_on(device: torch.device) -> PeakMemory | CudaPeakMemory:
    """A count of the memory on `device`, from now on."""
    return CudaPeakMemory() if device.type == "cuda" else PeakMemory()
