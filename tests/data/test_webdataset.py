import shutil

import numpy as np
import pytest
from tests.data.small_sets import encoded, members, picture, write_cifar10, write_tar

from zsrobust.data.catalogue import dataset_entry, load_dataset
from zsrobust.errors import DataError


@pytest.fixture
def root(tmp_path):
    write_cifar10(tmp_path)
    return tmp_path


def load(root):
    return load_dataset("cifar10", data_root=root)


def second(root):
    return root / "wds_cifar10" / "test" / "1.tar"


def test_the_hub_layout_is_read_with_names_templates_and_labels(root):
    dataset = load(root)
    assert len(dataset) == 12
    assert dataset.class_names[7] == "class 7"
    assert dataset.templates == ("a photo of a {}.", "a {}")
    position = dataset.ids.index("s0000007")
    assert dataset.labels[position] == 7
    assert np.array_equal(np.asarray(dataset.read(position)), np.asarray(picture(7, (36, 33))))


def test_ids_and_hash_do_not_depend_on_how_samples_are_spread_over_shards(root):
    before = load(root)
    folder = root / "wds_cifar10" / "test"
    shutil.rmtree(folder)
    for shard, (start, count) in enumerate(((5, 7), (0, 2), (2, 3))):
        write_tar(folder / f"{shard}.tar", members(start, count))
    after = load(root)
    assert (after.ids, after.labels) == (before.ids, before.labels)
    assert after.variant_hash() == before.variant_hash()
    for position in range(12):
        assert np.array_equal(np.asarray(after.read(position)), np.asarray(before.read(position)))


def test_members_in_folders_beginning_with_a_dot_slash_keep_their_names(root):
    folder = root / "wds_cifar10" / "test"
    write_tar(second(root), [(f"./part.2/{name}", content) for name, content in members(6, 6)])
    ids = set(load(root).ids)
    assert "part.2/s0000007" in ids
    assert "s0000005" in ids
    assert len(list(folder.glob("*.tar"))) == 2


def test_files_that_a_desktop_leaves_in_a_tar_are_passed_over(root):
    write_tar(second(root), [("._s0000006.png", b"x"), (".DS_Store", b"y"), *members(6, 6)])
    assert len(load(root)) == 12


def test_captions_beside_the_images_do_no_harm(root):
    samples = list(members(6, 6))
    for shard, start in enumerate((0, 6)):
        samples = list(members(start, 6))
        captions = [(n.replace("cls", "txt"), b"a car") for n, _ in samples if n.endswith("cls")]
        write_tar(root / "wds_cifar10" / "test" / f"{shard}.tar", sorted(samples + captions))
    assert len(load(root)) == 12


def test_without_a_list_of_prompts_the_entry_has_one(root):
    (root / "wds_cifar10" / "zeroshot_classification_templates.txt").unlink()
    templates = load(root).templates
    assert len(templates) == 18
    assert templates == dataset_entry("cifar10").prompts.of_kinds()["ensemble"]


def test_a_folder_with_the_hubs_own_name_serves_as_well(tmp_path):
    write_cifar10(tmp_path).rename(tmp_path / "wds_vtab-cifar100")
    assert len(load_dataset("cifar100", data_root=tmp_path)) == 12


def changed_tar(change):
    """Damage by rewriting the second shard's members."""
    return lambda folder: write_tar(folder / "test" / "1.tar", change(list(members(6, 6))))


def cut_at(share):
    def cut(folder):
        shard = folder / "test" / "1.tar"
        shard.write_bytes(shard.read_bytes()[: int(shard.stat().st_size * share)])

    return cut


def cut_between_members(folder):
    """Whole members, but neither the last ones nor the zeros that close a tar."""
    shard = folder / "test" / "1.tar"
    content = shard.read_bytes()
    shard.write_bytes(content[: content.index(b"s0000009.png")])


def emptied(folder):
    for file in (folder / "test").iterdir():
        file.unlink()


def label(text, key="s0000008"):
    return changed_tar(lambda good: [(n, text if n == f"{key}.cls" else c) for n, c in good])


def without(name):
    return changed_tar(lambda good: [member for member in good if member[0] != name])


def labels_last(good):
    return sorted(good, key=lambda member: member[0].endswith(".cls"))


def text_file(name, text):
    return lambda folder: (folder / name).write_text(text)


DAMAGE = {
    "no label": (without("s0000009.cls"), r"1\.tar: sample 's0000009' has no label"),
    "no image": (without("s0000009.png"), r"1\.tar: sample 's0000009' has no image"),
    "no labels": (
        changed_tar(lambda good: [m for m in good if not m[0].endswith(".cls")]),
        r"1\.tar: holds no labels",
    ),
    "no images": (
        changed_tar(lambda good: [m for m in good if m[0].endswith(".cls")]),
        r"1\.tar: holds no images",
    ),
    "cut in a member": (cut_at(0.55), r"1\.tar: damaged tar"),
    "cut between members": (cut_between_members, r"1\.tar: damaged tar"),
    "cut to nothing": (cut_at(0), r"1\.tar: damaged tar"),
    "not a tar": (
        lambda folder: (folder / "test" / "1.tar").write_bytes(b"<html>404</html>" * 200),
        r"1\.tar: damaged tar",
    ),
    "dotted keys": (
        changed_tar(lambda good: [(n.replace("s0", "n.0"), c) for n, c in good]),
        r"1\.tar: member 'n\.0.*' has a dot in its key",
    ),
    "a word for a label": (label(b"cat"), r"1\.tar: sample 's0000008': its \.cls reads b'cat'"),
    "an empty label": (label(b""), r"1\.tar: sample 's0000008': its \.cls reads b''"),
    "a fraction for a label": (label(b"1.5"), r"'s0000008': its \.cls reads b'1\.5'"),
    "label too large": (label(b"99"), r"1\.tar: sample 's0000008' has label 99.*\(0 to 9\)"),
    "label below zero": (label(b"-1"), r"1\.tar: sample 's0000008' has label -1"),
    "same key in two shards": (
        changed_tar(lambda good: list(members(3, 6))),
        r"1\.tar: key 's\d+' stands in .*0\.tar as well",
    ),
    "same key twice": (
        changed_tar(lambda good: [*good, *members(7, 1)]),
        r"1\.tar: the members of sample 's0000007' do not stand side by side",
    ),
    "labels apart from images": (
        changed_tar(labels_last),
        r"1\.tar: the members of sample 's0000006' do not stand side by side",
    ),
    "two images": (
        changed_tar(lambda good: [good[0], ("s0000006.jpg", b"x"), *good[1:]]),
        r"1\.tar: sample 's0000006' has two images",
    ),
    "two kinds of images": (
        changed_tar(lambda good: [(n.replace("9.png", "9.jpg"), c) for n, c in good]),
        r"1\.tar: mixes \.jpg and \.png images",
    ),
    "shards of two kinds": (
        changed_tar(lambda good: [(n.replace("png", "webp"), c) for n, c in good]),
        r"1\.tar: holds \.webp images, 0\.tar \.png",
    ),
    "empty tar": (changed_tar(lambda good: []), r"1\.tar: holds no images"),
    "too few shards": (text_file("test/nshards.txt", "3"), "says 3 shards, 2 are there"),
    "no number of shards": (text_file("test/nshards.txt", "x"), "says x shards, 2 are there"),
    "no names": (lambda folder: (folder / "classnames.txt").unlink(), r"names\.txt: no such file"),
    "empty names": (text_file("classnames.txt", "\n"), "the list of classes is empty"),
    "a blank name": (text_file("classnames.txt", "a\n\nb\n"), r"classnames\.txt, line 2: blank"),
    "fewer names": (text_file("classnames.txt", "a\nb\n"), r"label \d, but .* names 2 classes"),
    "names in latin-1": (
        lambda folder: (folder / "classnames.txt").write_bytes("café\n".encode("latin-1")),
        r"classnames\.txt: cannot be read as UTF-8",
    ),
    "prompt without a place": (
        text_file("zeroshot_classification_templates.txt", "a photo\n"),
        r"templates\.txt: 'a photo' needs one \{c\}",
    ),
    "no prompts": (text_file("zeroshot_classification_templates.txt", "\n"), "is empty"),
    "no split": (emptied, r"looked for .*test/\*\.tar and found none.*clip-benchmark/wds_cifar10"),
    "no folder": (
        shutil.rmtree,
        r"looked under .* for wds_cifar10, .*found none.*\n.*clip-benchmark/wds_cif",
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_named_with_the_file_it_is_in(root, what):
    damage, said = DAMAGE[what]
    damage(root / "wds_cifar10")
    with pytest.raises(DataError, match=said):
        load(root)


@pytest.mark.parametrize("left", [b"", b"no picture at all", "half"])
def test_an_undecodable_image_is_named_by_file_member_and_row_when_it_is_read(root, left):
    whole = encoded(picture(10, (36, 33)))
    content = whole[: len(whole) // 2] if left == "half" else left
    good = list(members(6, 6))
    write_tar(second(root), [(n, content if n == "s0000010.png" else c) for n, c in good])
    dataset = load(root)
    with pytest.raises(DataError, match=r"1\.tar: s0000010\.png \(row 10\): not a readable image"):
        dataset.read(dataset.ids.index("s0000010"))
    assert dataset.read(dataset.ids.index("s0000009")).size == (36, 33)


def test_no_image_is_decoded_to_know_ids_and_labels(root):
    for shard in range(2):
        good = members(6 * shard, 6)
        write_tar(
            root / "wds_cifar10" / "test" / f"{shard}.tar",
            [(n, b"no picture" if n.endswith("png") else c) for n, c in good],
        )
    dataset = load(root)
    assert len(dataset.labels) == 12


def test_progress_bars_are_left_as_they_were(root):
    import datasets

    datasets.enable_progress_bars()
    load(root)
    assert datasets.is_progress_bar_enabled()


def test_a_cache_that_cannot_be_written_is_not_blamed_on_the_archive(root, tmp_path, monkeypatch):
    import datasets.config

    (tmp_path / "file").write_text("")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "file" / "cache")
    with pytest.raises(DataError, match="HF_DATASETS_CACHE"):
        load(root)
