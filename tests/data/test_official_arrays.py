"""CIFAR's and STL-10's own files: as torchvision reads them, and what damaged ones say."""

import pickle

import numpy as np
import pytest

from zsrobust.data.readers.images import ReadRequest
from zsrobust.data.readers.official_cifar import read_cifar
from zsrobust.data.readers.official_stl10 import read_stl10
from zsrobust.errors import DataError
from zsrobust.testing.miniature_arrays import write_cifar, write_stl10
from zsrobust.testing.miniature_pictures import picture
from zsrobust.testing.python2_pickle import python2_pickle

LETTERS = tuple("abcdefghij")


def ten(*names):
    return ReadRequest(name="cifar10", classes=10, folder_names=names or LETTERS)


def hundred():
    return ReadRequest(name="cifar100", classes=100, folder_names=tuple(map(str, range(100))))


@pytest.mark.parametrize(
    ("folder", "request_of"),
    [
        ("cifar-10-batches-py", ten),
        ("cifar-10-batches-bin", ten),
        ("cifar-100-python", hundred),
        ("cifar-100-binary", hundred),
    ],
)
@pytest.mark.parametrize("split", ["train", "test"])
def test_both_versions_of_cifar_give_the_pixels_byte_for_byte(tmp_path, folder, request_of, split):
    request = request_of()
    write_cifar(tmp_path / folder, split, request)
    images = read_cifar(tmp_path / folder, split, request)
    assert images.labels == tuple(range(request.classes))
    assert all(
        images.read(row).tobytes() == picture(row, 32).tobytes() for row in range(request.classes)
    )
    assert images.ids[0] in ("train/00000", "test/00000", "data_batch_1/00000", "test_batch/00000")


def test_torchvision_reads_the_same_from_cifar_and_stl10(tmp_path):
    from torchvision.datasets import CIFAR10, STL10

    def without_hashes(owner, **lists):
        return type("AnyCopy", (owner,), {"train_list": [], **lists})

    names = {"filename": "batches.meta", "key": "label_names", "md5": None}
    any_cifar = without_hashes(CIFAR10, test_list=[["test_batch", None]], meta=names)
    any_stl = without_hashes(STL10, test_list=[["test_X.bin", None], ["test_y.bin", None]])
    write_cifar(tmp_path / "cifar-10-batches-py", "test", ten())
    write_stl10(tmp_path / "stl10_binary", "test", ten())
    for theirs, ours in (
        (
            any_cifar(tmp_path, train=False),
            read_cifar(tmp_path / "cifar-10-batches-py", "test", ten()),
        ),
        (any_stl(tmp_path, split="test"), read_stl10(tmp_path / "stl10_binary", "test", ten())),
    ):
        assert list(theirs.classes) == list(LETTERS)
        for row, (image, label) in enumerate(theirs):
            if row == 10:
                break
            assert image.tobytes() == ours.read(row).tobytes() and label == ours.labels[row]


def test_pixels_of_cifar_are_mapped_not_loaded(tmp_path):
    write_cifar(tmp_path / "cifar-10-batches-py", "test", ten())
    images = read_cifar(tmp_path / "cifar-10-batches-py", "test", ten())
    parts = images.read.__closure__
    assert any(
        isinstance(part, np.memmap) for cell in parts if isinstance(cell.cell_contents, list)
        for part in cell.cell_contents
    )  # fmt: skip


def test_pixels_pickled_column_by_column_are_read_as_such(tmp_path):
    folder = tmp_path / "cifar-10-batches-py"
    write_cifar(folder, "test", ten())
    rows = np.stack([np.asarray(picture(i, 32)).transpose(2, 0, 1).ravel() for i in range(3)])
    content = python2_pickle({"data": rows.T.reshape(rows.shape), "labels": [2, 1, 0]})
    (folder / "test_batch").write_bytes(content.replace(b"\x89T", b"\x88T"))
    images = read_cifar(folder, "test", ten())
    assert [images.read(i).tobytes() for i in range(3)] == [
        picture(i, 32).tobytes() for i in range(3)
    ]


def test_a_pickle_that_would_run_code_is_read_without_running_it(tmp_path):
    folder = tmp_path / "cifar-10-batches-py"
    write_cifar(folder, "test", ten())
    marker = tmp_path / "ran"

    class Malicious:
        def __reduce__(self):
            return (open, (str(marker), "w"))

    (folder / "test_batch").write_bytes(pickle.dumps({"data": Malicious(), "labels": [1]}, 2))
    with pytest.raises(DataError, match="test_batch: 1 labels and 0 bytes of pixels"):
        read_cifar(folder, "test", ten())
    assert not marker.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "damaged pickle"),
        (b"\x80\x02}(U", "damaged pickle"),
        (python2_pickle({"labels": [0, 1], "data": np.zeros((1, 3072))}), "2 labels and 3,072"),
        (python2_pickle({"labels": [99], "data": np.zeros((1, 3072))}), "label 99 of 10 classes"),
        (pickle.dumps({"labels": [0], "data": "x" * 3072}, 2), "stored as text"),
    ],
)
def test_a_damaged_batch_of_cifar_is_named(tmp_path, content, message):
    folder = tmp_path / "cifar-10-batches-py"
    write_cifar(folder, "test", ten())
    (folder / "test_batch").write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_cifar(folder, "test", ten())


def test_binary_files_cut_off_are_named(tmp_path):
    for folder, write, read, file in (
        ("cifar-10-batches-bin", write_cifar, read_cifar, "test_batch.bin"),
        ("stl10_binary", write_stl10, read_stl10, "test_X.bin"),
    ):
        write(tmp_path / folder, "test", ten())
        path = tmp_path / folder / file
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(DataError, match=f"{file}.*no whole number of images"):
            read(tmp_path / folder, "test", ten())
        path.unlink()
        with pytest.raises(DataError, match="Unpack the archive again"):
            read(tmp_path / folder, "test", ten())
