"""The same id gives the same bits, here and everywhere."""

import ast
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from zsrobust.data import scenes
from zsrobust.data.scenes import describe, render
from zsrobust.data.scenes.draws import draw_bytes, draw_fractions

PINNED = {
    "scenes/test/122002": "18e5e7b7fcc30a18dabab43bf5e9fe4a34923083cab4b1b8809de041f930b987",
    "scenes/test/122013": "10e434a06bc2f7032b14e7a6545bb06a69ec84a15bc82adc0b9987d6aa231a6f",
    "scenes/test/122004": "02eb66f8e9e877a524dc60909e91252bec8dee304313353ca7883d6df3739f2a",
    "scenes/test/122011": "77be578266b4f2bf5da22adaf84c4e3b8ea2272baaaea89fc81fcfddf9e0988e",
    "scenes/test/122001": "4af9e8574a2b8d5cb26ce0733eccd5cb29534c7f2b6bea054d3e95f5ac819edd",
    "scenes/test/122000": "e5e44b611fd94a85f4ca6b5c777f277cebebbc27faa007ea1732eb8301c5a185",
}
"""One scene of each background -> sha256 of its image's and mask's bytes."""

EXACT_ARRAY_FUNCTIONS = {
    "abs",
    "arange",
    "array",
    "asarray",
    "broadcast_shapes",
    "clip",
    "floor",
    "frombuffer",
    "full",
    "ones",
    "sqrt",
    "zeros",
    "zeros_like",
}
"""What IEEE 754 or integer arithmetic fixes bit for bit: no sine, cosine, exponential, power."""


@pytest.mark.parametrize("scene_id", PINNED)
def test_rendered_bytes_are_the_pinned_ones(scene_id):
    rendered = render(describe(scene_id))
    digest = hashlib.sha256(rendered.image.tobytes() + rendered.mask.tobytes()).hexdigest()
    assert digest == PINNED[scene_id]


def test_the_pinned_scenes_cover_every_background():
    seen = {describe(scene_id).attributes.background for scene_id in PINNED}
    assert seen == set(scenes.world.BACKGROUNDS)


def test_the_world_calls_no_array_function_whose_rounding_a_platform_may_choose():
    for path in Path(scenes.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        called = {
            node.func.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "np"
        }
        types = {"float32", "int32", "uint8"}
        assert called - types <= EXACT_ARRAY_FUNCTIONS, path.name
        modules = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        assert not modules & {"math", "random"}, path.name


def test_draws_depend_on_id_and_purpose_alone():
    assert draw_bytes("scenes/test/122000", "noise", 4) == draw_bytes(
        "scenes/test/122000", "noise", 4
    )
    assert draw_bytes("scenes/test/122000", "noise", 8) != draw_bytes(
        "scenes/test/122000", "clutter", 8
    )
    assert draw_bytes("scenes/test/122000", "noise", 8) != draw_bytes(
        "scenes/test/122001", "noise", 8
    )


def test_fractions_fill_the_unit_interval_evenly():
    draws = draw_fractions("scenes/test/122000", "evenness", 4000)
    assert min(draws) >= 0.0 and max(draws) < 1.0
    counts = [sum(tenth <= 10 * draw < tenth + 1 for draw in draws) for tenth in range(10)]
    assert max(abs(count - 400) for count in counts) < 100


def test_a_scene_does_not_depend_on_what_was_rendered_before():
    first = render(describe("scenes/test/122000"))
    render(describe("scenes/test/122001"))
    again = render(describe("scenes/test/122000"))
    assert (first.image == again.image).all() and (first.mask == again.mask).all()


def test_the_world_needs_no_torch():
    program = "import sys, zsrobust.data.scenes; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
