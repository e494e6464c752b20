"""PatchCamelyon's own files: read where h5py is installed, and said to need it where it is not."""

import sys

import pytest

from zsrobust.data.readers.images import ReadRequest
from zsrobust.data.readers.official_pcam import read_pcam
from zsrobust.errors import DataError
from zsrobust.testing.miniature_arrays import write_pcam
from zsrobust.testing.miniature_pictures import picture

PCAM = ReadRequest("pcam", 2, None)


def test_without_h5py_the_one_line_that_installs_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DataError, match="pip install h5py"):
        read_pcam(tmp_path, "test", PCAM)


def test_images_are_read_one_by_one(tmp_path):
    pytest.importorskip("h5py")
    write_pcam(tmp_path, "valid", PCAM)
    images = read_pcam(tmp_path, "valid", PCAM)
    assert images.labels == (0, 1, 0, 1) and images.ids[3] == "valid/000003"
    assert images.read(3).tobytes() == picture(3, 96).tobytes()


def test_absent_and_damaged_files_are_named(tmp_path):
    pytest.importorskip("h5py")
    with pytest.raises(DataError, match=r"test_y\.h5: no such file"):
        read_pcam(tmp_path, "test", PCAM)
    write_pcam(tmp_path, "test", PCAM)
    (tmp_path / "camelyonpatch_level_2_split_test_x.h5").write_bytes(b"no HDF5")
    with pytest.raises(DataError, match=r"test_x\.h5: cannot be read"):
        read_pcam(tmp_path, "test", PCAM)
