import os

import pytest

from zsrobust.records.atomic import replacing, write_bytes, write_text


def test_text_is_written_as_utf8_with_bare_newlines_into_a_new_folder(tmp_path):
    path = tmp_path / "new" / "page.txt"
    write_text(path, "colour ≤ ε\n")
    assert path.read_bytes() == "colour ≤ ε\n".encode()


def test_writing_leaves_nothing_but_the_file(tmp_path):
    write_bytes(tmp_path / "a.bin", b"1")
    write_bytes(tmp_path / "a.bin", b"2")
    assert os.listdir(tmp_path) == ["a.bin"]
    assert (tmp_path / "a.bin").read_bytes() == b"2"


def test_a_failure_in_the_middle_keeps_the_old_file_and_leaves_no_other(tmp_path):
    path = tmp_path / "weights.safetensors"
    write_bytes(path, b"old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as hidden:
        hidden.write_bytes(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["weights.safetensors"]


def test_until_the_end_the_content_lies_under_a_dot_name_with_the_same_suffix(tmp_path):
    path = tmp_path / "figure.svg"
    with replacing(path) as hidden:
        hidden.write_bytes(b"<svg/>")
        assert hidden.name.startswith(".")
        assert hidden.suffix == ".svg"
        assert not path.exists()
    assert path.read_bytes() == b"<svg/>"
