import io
import tarfile

import numpy as np
import pytest
from PIL import Image

from zsrobust.data.catalogue import dataset_names, load_dataset
from zsrobust.data.pixels import read_pixels, resize_image
from zsrobust.errors import DataError, UnknownNameError


def picture(i=0, size=(12, 9), mode="RGB"):
    rng = np.random.default_rng(i)
    return Image.fromarray(rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)).convert(
        mode
    )


def encoded(image, form="PNG"):
    sink = io.BytesIO()
    image.save(sink, form)
    return sink.getvalue()


def write_tar(path, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def members(start, count, classes=10):
    for i in range(start, start + count):
        yield f"s{i:07d}.png", encoded(picture(i))
        yield f"s{i:07d}.cls", str(i % classes).encode()


@pytest.fixture
def root(tmp_path):
    """A miniature of CIFAR-10 in the hub's layout: two shards of six images."""
    folder = tmp_path / "wds_cifar10"
    for shard in range(2):
        write_tar(folder / "test" / f"{shard}.tar", members(6 * shard, 6))
    (folder / "test" / "nshards.txt").write_text("2\n")
    (folder / "classnames.txt").write_text("\n".join(f"class {i}" for i in range(10)))
    (folder / "zeroshot_classification_templates.txt").write_text("a photo of a {c}.\na {c}\n")
    return tmp_path


def load(root):
    return load_dataset("cifar10", data_root=root)


def test_the_hub_layout_is_read_with_names_templates_and_labels(root):
    dataset = load(root)
    assert len(dataset) == 12
    assert dataset.templates == ("a photo of a {}.", "a {}")
    assert dataset.variant == "subset"
    position = dataset.ids.index("s0000007")
    assert dataset.labels[position] == 7
    assert np.array_equal(np.asarray(dataset.read(position)), np.asarray(picture(7)))


def test_subsets_nest_and_have_their_own_hash(root):
    dataset = load(root)
    assert dataset.first(9).first(4).ids == dataset.first(4).ids == dataset.ids[:4]
    assert dataset.first(4).variant_hash() != dataset.variant_hash()
    assert load(root).variant_hash() == dataset.variant_hash()


def changed_tar(change):
    """Damage by rewriting the second shard's members."""
    return lambda folder: write_tar(folder / "test" / "1.tar", change(list(members(6, 6))))


def cut(folder):
    shard = folder / "test" / "1.tar"
    shard.write_bytes(shard.read_bytes()[: shard.stat().st_size // 2 - 700])


def emptied(folder):
    for file in (folder / "test").iterdir():
        file.unlink()


DAMAGE = {
    "missing label": changed_tar(lambda good: [m for m in good if m[0] != "s0000009.cls"]),
    "truncated": cut,
    "dotted key": changed_tar(lambda good: [(n.replace("s0", "n.0"), c) for n, c in good]),
    "no number": changed_tar(
        lambda good: [(n, b"cat" if n.endswith(".cls") else c) for n, c in good]
    ),
    "label too large": changed_tar(
        lambda good: [(n, b"99" if n == "s0000008.cls" else c) for n, c in good]
    ),
    "same key twice": changed_tar(lambda good: list(members(3, 6))),
    "empty tar": changed_tar(lambda good: []),
    "shard count": lambda folder: (folder / "test" / "nshards.txt").write_text("3"),
    "no names": lambda folder: (folder / "classnames.txt").unlink(),
    "empty names": lambda folder: (folder / "classnames.txt").write_text("\n"),
    "no split": emptied,
}


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("missing label", r"1\.tar: sample 's0000009' has no label"),
        ("truncated", r"1\.tar: damaged tar"),
        ("dotted key", r"1\.tar: member .* has a dot in its key"),
        ("no number", r"1\.tar: (cannot be read|sample)"),
        ("label too large", r"1\.tar: sample 's0000008' has label 99"),
        ("same key twice", r"key 's\d+' stands in .*0\.tar as well"),
        ("shard count", "says 3 shards, 2 are there"),
        ("no names", r"classnames\.txt: no such file"),
        ("empty names", r"classnames\.txt: is empty"),
        ("no split", "looked for .* and found none.*clip-benchmark/wds_cifar10"),
        ("empty tar", "an empty tar"),
    ],
)
def test_a_damaged_archive_is_named_with_what_is_wrong(root, what, said):
    DAMAGE[what](root / "wds_cifar10")
    with pytest.raises(DataError, match=said):
        load(root)


def test_an_undecodable_image_is_named_by_file_and_member_when_it_is_read(root):
    shard = root / "wds_cifar10" / "test" / "1.tar"
    good = list(members(6, 6))
    write_tar(shard, [(n, c[:40] if n == "s0000010.png" else c) for n, c in good])
    dataset = load(root)
    with pytest.raises(DataError, match=r"1\.tar: s0000010\.png: not a readable image"):
        dataset.read(dataset.ids.index("s0000010"))


def test_absent_data_says_where_it_was_looked_for(tmp_path, monkeypatch):
    monkeypatch.delenv("ZSROBUST_DATA_ROOT", raising=False)
    with pytest.raises(DataError, match="--data-root DIR"):
        load_dataset("cifar10")
    with pytest.raises(DataError, match="no such folder"):
        load_dataset("cifar10", data_root=tmp_path / "nowhere")
    with pytest.raises(DataError, match="no split 'train'"):
        load_dataset("cifar10", split="train", data_root=tmp_path)
    with pytest.raises(UnknownNameError, match="Did you mean 'cifar10'"):
        load_dataset("cifar-10")
    with pytest.raises(DataError, match="no such folder"):
        load_dataset("my/photos")


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    for label, name in enumerate(("red_car", "blue_car")):
        (folder / name).mkdir(parents=True)
        for i in range(3):
            picture(10 * label + i).save(folder / name / f"{i}.png")
    (folder / ".hidden").mkdir()
    return folder


def test_a_folder_of_ones_own_is_a_dataset(photos, tmp_path):
    dataset = load_dataset(photos)
    assert dataset.class_names == ("blue car", "red car")
    assert sorted(dataset.ids)[0] == "blue_car/0.png"
    assert dataset.variant == "user"
    names = tmp_path / "names.txt"
    names.write_text("azure\ncrimson\n")
    assert load_dataset(photos, classes_file=names).class_names == ("azure", "crimson")


def test_images_without_class_folders_are_unlabelled_and_need_names(photos, tmp_path):
    names = tmp_path / "names.txt"
    names.write_text("cat\ndog\n")
    assert load_dataset(photos / "red_car", classes_file=names).labels is None
    with pytest.raises(DataError, match="--classes FILE"):
        load_dataset(photos / "red_car")


def test_a_folder_that_is_no_dataset_is_refused(photos, tmp_path):
    (photos / "green_car").mkdir()
    with pytest.raises(DataError, match="green_car: an empty class"):
        load_dataset(photos)
    (tmp_path / "nothing").mkdir()
    with pytest.raises(DataError, match="no images"):
        load_dataset(tmp_path / "nothing")
    names = tmp_path / "names.txt"
    names.write_text("")
    with pytest.raises(DataError, match="list of classes is empty"):
        load_dataset(photos / "red_car", classes_file=names)
    names.write_text("a\nb\n")
    with pytest.raises(DataError, match="brings its own"):
        load_dataset("scenes-colours", classes_file=names)


def test_a_broken_photo_is_named(photos):
    (photos / "red_car" / "1.png").write_bytes(b"no picture")
    dataset = load_dataset(photos)
    with pytest.raises(DataError, match=r"red_car/1\.png: not a readable image"):
        read_pixels(dataset, range(len(dataset)), 8)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "I;16", "1", "LA"])
def test_every_mode_decodes_as_rgb(mode, tmp_path):
    (tmp_path / "a").mkdir()
    form = "JPEG" if mode == "CMYK" else "PNG"
    if mode == "I;16":
        grey = np.full((9, 12), 32768, dtype=np.uint16)
        Image.fromarray(grey).save(tmp_path / "a" / "x.png")
    else:
        picture(1, mode="RGB").convert(mode).save(tmp_path / "a" / f"x.{form.lower()}", form)
    (tmp_path / "b").mkdir()
    picture().save(tmp_path / "b" / "y.png")
    dataset = load_dataset(tmp_path)
    image = dataset.read(dataset.ids.index(next(i for i in dataset.ids if i.startswith("a"))))
    assert image.mode == "RGB"
    if mode == "I;16":
        assert abs(int(np.asarray(image).mean()) - 128) <= 1


def test_exif_rotation_is_applied(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        exif = Image.Exif()
        exif[0x0112] = 6
        picture(size=(12, 9)).save(tmp_path / name / "x.jpg", exif=exif)
    assert load_dataset(tmp_path).read(0).size == (9, 12)


def test_the_shorter_side_is_resized_and_the_centre_kept():
    wide = Image.fromarray(np.zeros((20, 40, 3), dtype=np.uint8))
    wide.paste((255, 255, 255), (15, 0, 25, 20))
    image = resize_image(wide, 10)
    assert image.shape == (10, 10, 3)
    assert image[5, 5].tolist() == [255, 255, 255]
    assert resize_image(wide, "native").shape == (20, 40, 3)
    assert resize_image(wide, "as-released").shape == (224, 224, 3)


def test_native_resolution_needs_images_of_one_size(tmp_path):
    for name, size in (("a", (12, 9)), ("b", (9, 9))):
        (tmp_path / name).mkdir()
        picture(size=size).save(tmp_path / name / "x.png")
    with pytest.raises(DataError, match="images of one size"):
        read_pixels(load_dataset(tmp_path), range(2), "native")


COUNTS = {
    "cifar10": 2000, "cifar100": 500, "caltech101": 505, "imagenet1k": 1000, "cars": 392,
    "pets": 370, "dtd": 200, "tinyimagenet": 2000,
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in dataset_names() if "scenes" not in name])
def test_real_sets_load_with_their_counts_and_decode(shared_data, name):
    dataset = load_dataset(name, data_root=shared_data)
    assert len(dataset) == COUNTS[name]
    assert max(dataset.labels) < len(dataset.class_names)
    pixels = read_pixels(dataset, range(4), 56)
    assert pixels.shape == (4, 3, 56, 56)
    assert float(pixels.min()) >= 0 and float(pixels.max()) <= 1


def test_the_part_of_tinyimagenet_that_is_held_out_is_never_trained_on(shared_data):
    train = load_dataset("tinyimagenet", split="train", data_root=shared_data)
    val = load_dataset("tinyimagenet", split="val", data_root=shared_data)
    assert (len(train), len(val)) == (43000, 2000)
    assert not set(train.ids) & set(val.ids)
    assert set(np.bincount(val.labels)) == {10}
    assert train.class_names == val.class_names


def test_scenes_are_datasets_with_masks():
    dataset = load_dataset("scenes-heldout").first(5)
    assert dataset.read(0).size == (56, 56)
    assert dataset.mask(0).shape == (56, 56)
    assert 0.02 < float(dataset.mask(0).mean()) < 0.6
