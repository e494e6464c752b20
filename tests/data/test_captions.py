"""Image-caption pairs: the hub's tars, a list of one's own, and what they are as a dataset."""

import json

import numpy as np
import pytest
from tests.data.small_sets import encoded, picture, write_tar

from zsrobust.cli.main import main
from zsrobust.data.catalogue import load_dataset
from zsrobust.data.check import check_dataset
from zsrobust.data.check_words import lines_of
from zsrobust.errors import DataError
from zsrobust.settings import canonical_hash
from zsrobust.training.subset import held_out


def pairs(start, count, lines=2):
    """(name, content) of samples: a picture, then its captions."""
    for i in range(start, start + count):
        yield f"s{i:07d}.jpg", encoded(picture(i, (36, 33)), "JPEG")
        text = "".join(f"picture {i}, line {line} .\n" for line in range(lines))
        yield f"s{i:07d}.txt", text.encode()


@pytest.fixture
def root(tmp_path):
    for shard in range(2):
        write_tar(tmp_path / "wds_flickr8k" / "train" / f"{shard}.tar", pairs(3 * shard, 3))
    return tmp_path


def load(root):
    return load_dataset("flickr8k", split="train", data_root=root)


def test_every_image_has_its_captions_and_there_are_no_classes(root):
    images = load(root)
    assert (len(images), images.labels, images.class_names) == (6, None, ())
    at = images.ids.index("s0000004")
    assert images.captions(at) == ("picture 4, line 0 .", "picture 4, line 1 .")
    assert np.asarray(images.read(at)).shape == (33, 36, 3)


def test_captions_stay_with_their_images_in_subsets(root):
    images = load(root)
    first, (rest, out) = images.first(4), held_out(images, 2, seed=0)
    for some in (first, rest, out):
        for at, sample in enumerate(some.ids):
            assert some.captions(at)[0] == f"picture {int(sample[1:])}, line 0 ."
    assert sorted([*rest.ids, *out.ids]) == sorted(images.ids)


def test_other_captions_are_another_variant_and_labelled_sets_keep_theirs(root, monkeypatch):
    before = load(root).variant_hash()
    monkeypatch.setattr("zsrobust.data.columns.IN_MEMORY", 2)
    assert load(root).variant_hash() == before
    monkeypatch.undo()
    write_tar(root / "wds_flickr8k" / "train" / "1.tar", pairs(3, 3, lines=3))
    assert load(root).variant_hash() != before
    few = load_dataset("scenes-sizes", split="val").first(3)
    content = [list(few.ids), list(few.labels), list(few.class_names)]
    assert few.variant_hash() == canonical_hash(content)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"s0000004.txt": b" \n\n"}, "sample 's0000004': its .txt is empty"),
        ({"s0000004.txt": b"\xff\xfe"}, "sample 's0000004': its .txt is not UTF-8"),
        ({"s0000004.txt": None}, r"sample 's0000004' has no caption \(\.txt\)"),
        ({"s0000004.jpg": None}, "sample 's0000004' has no image"),
        ({f"s000000{i}.txt": None for i in (3, 4, 5)}, r"no captions \(\.txt files beside"),
    ],
)
def test_a_damaged_shard_is_named_with_its_sample(root, changed, said):
    found = [(name, changed.get(name, content)) for name, content in pairs(3, 3)]
    kept = [(name, content) for name, content in found if content is not None]
    write_tar(root / "wds_flickr8k" / "train" / "1.tar", kept)
    with pytest.raises(DataError, match=rf"1\.tar: .*{said}"):
        load(root)


def test_labels_beside_captions_do_no_harm(root):
    for shard in range(2):
        labels = [(f"s{i:07d}.cls", b"0") for i in range(3 * shard, 3 * shard + 3)]
        members = sorted([*pairs(3 * shard, 3), *labels])
        write_tar(root / "wds_flickr8k" / "train" / f"{shard}.tar", members)
    assert load(root).labels is None


def test_a_check_counts_captions_in_the_place_of_classes_and_prompts(root, capsys):
    report = check_dataset("flickr8k", split="train", data_root=root)
    said = {subject: line for subject, line in lines_of(report) if subject}
    assert report.sound and said["captions"] == "12, 2 an image"
    assert "classes" not in said and "prompts" not in said
    command = ["datasets", "check", "flickr8k", "--split", "train", "--data-root", str(root)]
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["per_image"] == {"least": 2, "most": 2, "total": 12}


def test_pairs_have_no_prompts_and_no_test_images(root):
    with pytest.raises(DataError, match="flickr8k has captions and no prompts 'single'"):
        load_dataset("flickr8k", split="train", data_root=root, prompts="single")
    with pytest.raises(DataError, match=r"flickr8k has no split 'test'\. It has: train"):
        load_dataset("flickr8k", data_root=root)


@pytest.fixture
def shop(tmp_path):
    for i in range(2):
        picture(i).save(tmp_path / f"{i}.png")
    return tmp_path


def listed(shop, text):
    (shop / "list.csv").write_text(text, encoding="utf-8")
    return load_dataset(shop / "list.csv")


def test_a_list_of_captions_has_a_row_a_caption(shop):
    images = listed(shop, 'path,caption\n0.png,"red, blue"\n1.png, a car \n0.png,green\n')
    found = {sample: images.captions(at) for at, sample in enumerate(images.ids)}
    assert found == {"0.png": ("red, blue", "green"), "1.png": ("a car",)}
    assert (images.labels, images.class_names, images.variant) == (None, (), "user")
    assert images.read(images.ids.index("1.png")).size == (12, 9)


def test_a_list_with_labels_is_one_of_labels_whatever_captions_it_has(shop):
    images = listed(shop, "path,label,caption\n0.png,cat,a cat\n1.png,dog,\n")
    assert images.class_names == ("cat", "dog") and images.captions is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,caption\n0.png,a\n1.png,\n", "row 1: '1.png' has no caption"),
        ("path,caption\n,a\n", "row 0: no path"),
        ("path,caption,caption\n0.png,a,b\n", "column 'caption' stands twice"),
        ("path,caption\n", "lists no images"),
    ],
)
def test_a_wrong_list_of_captions_is_named_with_its_row(shop, text, said):
    with pytest.raises(DataError, match=rf"list\.csv.*{said}"):
        listed(shop, text)
