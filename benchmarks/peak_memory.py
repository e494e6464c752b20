"""How much memory a process has needed at most, as Linux counts it."""

from __future__ import annotations

from pathlib import Path


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
