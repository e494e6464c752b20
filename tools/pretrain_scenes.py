"""Makes `scenes-tiny`: a small CLIP trained contrastively on captions of rendered scenes.

    python -m tools.pretrain_scenes --work runs/pretrain-scenes --out src/zsrobust/models/weights

Resumable: the same command continues from `state.pt` in the work folder. Each step takes a batch
of images and, for several forms of caption, the distinct captions of the batch; images and texts
are contrasted both ways, every caption that is true of an image being a positive.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from tools.pretraining.scenes_model import NAME
from tools.pretraining.scenes_pack import pack
from tools.pretraining.scenes_train import Plan, train


def main() -> None:
    """Trains, then packs into `<out>/scenes-tiny`, which must not exist yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("runs/pretrain-scenes"))
    parser.add_argument("--out", type=Path, default=Path("src/zsrobust/models/weights"))
    parser.add_argument("--steps", type=int, default=7000)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    plan = Plan(options.steps, options.images, options.lr)
    command = (
        f"python -m tools.pretrain_scenes --steps {plan.steps} --images {plan.images} "
        f"--lr {plan.lr:g}"
    )
    pack(train(options.work, plan), options.out / NAME, plan, command)


if __name__ == "__main__":
    main()
