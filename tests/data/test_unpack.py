"""Fetched archives land where their entries say, whole or not at all."""

import gzip

import pytest
from tests.data.archives import digest, tar_of, zip_of

from zsrobust.data.archive import Archive
from zsrobust.data.unpack import unpack_all
from zsrobust.errors import DataError


def unpacked(tmp_path, name, content, **fields):
    (tmp_path / name).write_bytes(content)
    archive = Archive(url=f"https://example.org/{name}", digest=digest(content), **fields)
    root = tmp_path / "root"
    root.mkdir(exist_ok=True)
    unpack_all([(archive, tmp_path / name)], root, tmp_path / "staging")
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_archives_of_each_kind_land_where_the_entry_says(tmp_path):
    members = {"jpg/1.jpg": b"one"}
    assert unpacked(tmp_path, "a.tgz", tar_of(members), into="a") == {"a/jpg/1.jpg": b"one"}
    assert "b/jpg/1.jpg" in unpacked(tmp_path, "b.zip", zip_of(members), into="b")
    assert unpacked(tmp_path, "labels.mat", b"mat", into="c")["c/labels.mat"] == b"mat"
    assert unpacked(tmp_path, "x.h5.gz", gzip.compress(b"h5"), into="d")["d/x.h5"] == b"h5"
    outer = zip_of({"set/wanted.tar.gz": tar_of(members), "set/other.tar": b"other"})
    found = unpacked(tmp_path, "outer.zip", outer, into="e", inner="set/wanted.tar.gz")
    assert [name for name in found if name.startswith("e")] == ["e/jpg/1.jpg"]


def test_what_is_there_already_is_not_overwritten(tmp_path):
    place = tmp_path / "root" / "a"
    place.mkdir(parents=True)
    (place / "1.jpg").write_bytes(b"mine")
    with pytest.raises(DataError, match=r"1\.jpg: is there already"):
        unpacked(tmp_path, "a.zip", zip_of({"1.jpg": b"one", "2.jpg": b"two"}), into="a")
    assert [path.read_bytes() for path in place.iterdir()] == [b"mine"]
    found = unpacked(tmp_path, "b.zip", zip_of({"2.jpg": b"two"}), into="a")
    assert found == {"a/1.jpg": b"mine", "a/2.jpg": b"two"}


@pytest.mark.parametrize("name", ["a.tar", "a.tgz", "a.zip", "a.h5.gz"])
def test_a_damaged_archive_leaves_nothing_in_the_data_root(tmp_path, name):
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpacked(tmp_path, name, b"\x1f\x8b no archive", into="a")
    assert not list((tmp_path / "root").iterdir())


def test_a_tar_that_reaches_out_of_the_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpacked(tmp_path, "a.tar", tar_of({"../../escaped": b"x"}, "w"), into="a")
    assert not (tmp_path.parent / "escaped").exists() and not (tmp_path / "escaped").exists()
