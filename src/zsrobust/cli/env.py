"""`zsrobust env`."""

from __future__ import annotations

from zsrobust.cli.options import JsonOption


def env(as_json: JsonOption = False) -> None:
    """Print what a bug report needs: versions, platform, devices, threads."""
    import os
    import platform

    import torch

    from zsrobust.cli.printing import print_json
    from zsrobust.records.environment import package_versions

    facts = {
        **package_versions(),
        "platform": platform.platform(),
        "cpu threads": f"{torch.get_num_threads()} of {os.cpu_count()}",
        "cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "ZSROBUST_DATA_ROOT": os.environ.get("ZSROBUST_DATA_ROOT", "not set"),
    }
    if as_json:
        print_json(facts)
        return
    width = max(len(name) for name in facts)
    for name, value in facts.items():
        print(f"{name:<{width}}  {value}")
