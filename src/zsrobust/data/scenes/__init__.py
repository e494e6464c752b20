"""The embedded world: small pictures of one object each, rendered from an id.

`describe` and `render` make a scene, `captions` tells it, `TASKS` asks about it.
"""

from zsrobust.data.scenes.captions import captions
from zsrobust.data.scenes.describe import describe
from zsrobust.data.scenes.render import RenderedScene, render
from zsrobust.data.scenes.splits import SPLITS, scene_ids
from zsrobust.data.scenes.tasks import TASKS, LabelledScenes, SceneTask, task_ids
from zsrobust.data.scenes.world import IMAGE_SIZE, Scene, SceneAttributes

__all__ = [
    "IMAGE_SIZE",
    "SPLITS",
    "TASKS",
    "LabelledScenes",
    "RenderedScene",
    "Scene",
    "SceneAttributes",
    "SceneTask",
    "captions",
    "describe",
    "render",
    "scene_ids",
    "task_ids",
]
