from dataclasses import replace

import numpy as np
import pytest
from tests.training.small_training import COLOURS, colours

from zsrobust.errors import DataError, InputError
from zsrobust.training.subset import held_out, of_classes, per_class


def _as_official(count: int = 60):
    return replace(colours(count), variant="official")


def test_fewer_classes_lie_in_more_and_are_numbered_anew():
    data = _as_official()
    two, three = of_classes(data, 2, seed=5), of_classes(data, 3, seed=5)
    assert set(two.ids) < set(three.ids) == set(data.ids)
    assert set(two.class_names) < set(three.class_names) == set(COLOURS)
    assert set(two.labels) == {0, 1}
    assert two.variant == "subset"
    for i, label in enumerate(two.labels):
        original = data.ids.index(two.ids[i])
        assert two.class_names[label] == data.class_names[data.labels[original]]
        assert np.array_equal(two.read(i), data.read(original))


def test_another_seed_chooses_other_classes_and_samples():
    data = _as_official()
    assert len({of_classes(data, 2, seed).class_names for seed in range(9)}) > 1
    assert len({tuple(per_class(data, 2, seed).ids) for seed in range(3)}) == 3


def test_classes_may_be_a_file_of_names_and_keep_the_datasets_order(tmp_path):
    (tmp_path / "some.txt").write_text("blue\nred\n")
    assert of_classes(colours(), str(tmp_path / "some.txt"), 0).class_names == ("red", "blue")
    (tmp_path / "odd.txt").write_text("blue\nredd\n")
    with pytest.raises(DataError, match=r"line 2: colours has no class 'redd'. Did you mean 'red'"):
        of_classes(colours(), str(tmp_path / "odd.txt"), 0)


def test_more_samples_contain_fewer_and_a_small_class_gives_all_it_has():
    data = _as_official(20)  # 7, 7 and 6 images
    few, more, all_of_them = (per_class(data, n, seed=1) for n in (2, 4, 99))
    assert set(few.ids) < set(more.ids) < set(all_of_them.ids) == set(data.ids)
    assert sorted(few.labels) == [0, 0, 1, 1, 2, 2]
    assert list(few.ids) == [name for name in data.ids if name in few.ids]


def test_images_held_out_are_not_trained_on_and_nest():
    data = _as_official(20)
    rest, out = held_out(data, 5, seed=0)
    _, more = held_out(data, 9, seed=0)
    assert set(rest.ids) | set(out.ids) == set(data.ids)
    assert not set(rest.ids) & set(out.ids)
    assert len(out) == 5
    assert set(out.ids) < set(more.ids)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: of_classes(colours(), 4, 0), "classes = 4: colours has 3. Give 2 to 3"),
        (lambda: held_out(colours(5), 5, 0), "validation.images = 5: colours has 5"),
        (lambda: per_class(replace(colours(), labels=None), 2, 0), "colours has no labels"),
    ],
    ids=["classes", "validation", "labels"],
)
def test_what_cannot_be_chosen_is_said(call, said):
    with pytest.raises(InputError, match=said):
        call()
