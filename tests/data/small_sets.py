"""Small datasets in each layout, made on the spot, and ways to damage them."""

import io
import tarfile

import numpy as np
from PIL import Image


def picture(seed=0, size=(12, 9), mode="RGB"):
    """Random colours, width x height."""
    noise = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(noise).convert(mode)


def encoded(image, form="PNG", **options):
    sink = io.BytesIO()
    image.save(sink, form, **options)
    return sink.getvalue()


def write_tar(path, members):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def members(start, count, classes=10, size=(36, 33)):
    """(name, content) of samples: a picture, then its label."""
    for i in range(start, start + count):
        yield f"s{i:07d}.png", encoded(picture(i, size))
        yield f"s{i:07d}.cls", str(i % classes).encode()


def write_cifar10(root, size=(36, 33)):
    """CIFAR-10 in the hub's layout: two shards of six images, and its folder."""
    folder = root / "wds_cifar10"
    for shard in range(2):
        write_tar(folder / "test" / f"{shard}.tar", members(6 * shard, 6, size=size))
    (folder / "test" / "nshards.txt").write_text("2\n")
    (folder / "classnames.txt").write_text("\n".join(f"class {i}" for i in range(10)) + "\n")
    (folder / "zeroshot_classification_templates.txt").write_text("a photo of a {c}.\na {c}\n")
    return folder


def parquet_rows(start, count, classes=2):
    return [
        {
            "image": {"bytes": encoded(picture(i, (64, 64))), "path": f"n{i:03d}.png"},
            "label": i % classes,
        }
        for i in range(start, start + count)
    ]


def write_parquet(path, rows, names=("n01", "n02")):
    """Rows in the hub's parquet layout; names=None leaves the schema without class names."""
    import datasets

    label = datasets.Value("int64") if names is None else datasets.ClassLabel(names=list(names))
    columns = {"image": datasets.Image(), "label": label}
    features = datasets.Features({key: columns[key] for key in columns if key in rows[0]})
    path.parent.mkdir(parents=True, exist_ok=True)
    import pyarrow as pa
    import pyarrow.parquet as parquet

    table = pa.Table.from_pylist(rows, schema=features.arrow_schema)
    parquet.write_table(table, path)


def write_photos(folder, classes=("red_car", "blue_car"), count=3):
    """A user's own class/image tree, with a hidden folder beside the classes."""
    for label, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for i in range(count):
            picture(10 * label + i).save(folder / name / f"{i}.png")
    (folder / ".hidden").mkdir()
    return folder
