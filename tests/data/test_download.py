"""`datasets download` from a server and a hub on this machine: complete, and never unasked."""

import os
import subprocess
import sys
from pathlib import PurePosixPath

import pytest
from tests.data.archives import digest, tar_of
from tests.data.small_hub import hub_of
from tests.data.small_server import serving

from zsrobust.cli.main import main
from zsrobust.data.catalogue import dataset_entry, dataset_names
from zsrobust.data.download import WORKPLACE
from zsrobust.data.readers.catalogue import READERS
from zsrobust.data.readers.images import ReadRequest
from zsrobust.testing.miniature_pictures import jpeg

ENTRY = """
version: 1
description: "Two letters."
source: "https://example.org"
citation: "nobody"
licence: "CC0 for tests"
kind: images
splits: {test: {count: 100}}
layouts:
  - kind: class-folders
    folder: letters/images
    splits: {test: .}
    how: "Unpack letters.tar.gz into letters."
    archives: [{url: URL/letters.tar.gz, digest: DIGEST, into: letters}]
  - {kind: webdataset, folder: wds, splits: {test: test}, hub: org/set, how: "Fetch org/set."}
  - {kind: imagenet, folder: own, splits: {test: val}, how: "Draw them yourself."}
prompts: {single: ["a letter {}."]}
"""


@pytest.fixture
def letters(tmp_path):
    """(path of an entry, what is served) of a set whose archive is on a server of this machine."""
    content = tar_of({f"images/{name}/0.jpg": jpeg(i) for i, name in enumerate("ab")})
    with serving({"/letters.tar.gz": content}) as (address, served):
        entry = tmp_path / "letters.yaml"
        entry.write_text(ENTRY.replace("URL", address).replace("DIGEST", digest(content)))
        yield entry, served


def download(*arguments):
    return main(["datasets", "download", *map(str, arguments)])


def test_nothing_is_fetched_unasked(letters, tmp_path, capsys):
    entry, served = letters
    assert download(entry, "--data-root", tmp_path / "root") == 2
    printed = capsys.readouterr()
    assert "CC0 for tests" in printed.out and "letters.tar.gz" in printed.out
    assert "0 MB from" in printed.out and "add --yes" in printed.err
    assert served.requests == [] and not (tmp_path / "root").exists()


def test_a_set_is_fetched_unpacked_and_read(letters, tmp_path, capsys):
    entry, _ = letters
    root = tmp_path / "root"
    assert download(entry, "--data-root", root, "--yes") == 0
    assert "complete" in capsys.readouterr().out
    names = dataset_entry(entry).layouts[0]
    images = READERS[names.kind](root / names.folder, ".", ReadRequest("letters", 2, ("a", "b")))
    assert images.ids == ("a/0.jpg", "b/0.jpg")
    assert not (root / WORKPLACE / "letters").exists()
    assert download(entry, "--data-root", root, "--yes") == 2
    assert "is there already" in capsys.readouterr().err


def test_an_interrupted_command_continues_by_the_same_command(letters, tmp_path, capsys):
    entry, served = letters
    root = tmp_path / "root"
    served.breaks_off_at = 100
    assert download(entry, "--data-root", root, "--yes") == 1
    assert "same command continues there" in capsys.readouterr().err
    served.breaks_off_at = None
    assert download(entry, "--data-root", root, "--yes") == 0
    assert served.requests == [None, "bytes=100-"]


def test_what_cannot_be_fetched_says_what_to_do_by_hand(letters, tmp_path, capsys):
    entry, _ = letters
    root = ("--data-root", tmp_path / "root")
    assert download(entry, *root, "--layout", "own") == 2
    assert "By hand: Draw them yourself." in capsys.readouterr().err
    assert download(entry, *root, "--layout", "tar") == 2
    assert "has no layout 'tar'. It has: class-folders (letters/images)" in capsys.readouterr().err
    assert download(entry, *root, "--split", "train") == 2
    assert "has no split 'train'. It has: test." in capsys.readouterr().err
    assert download(entry) == 2
    assert "--data-root DIR" in capsys.readouterr().err


def from_hub(address, entry, root):
    """The command in a process of its own: `huggingface_hub` asks for its address when imported."""
    environment = {
        **os.environ,
        "HF_ENDPOINT": address,
        "HF_HUB_OFFLINE": "0",
        "HF_HOME": str(root.parent / "hf"),
        "OMP_NUM_THREADS": "1",
    }
    command = [
        "datasets",
        "download",
        str(entry),
        "--layout",
        "wds",
        "--data-root",
        str(root),
        "-y",
    ]
    return subprocess.run(
        [sys.executable, "-m", "zsrobust", *command, "--yes"],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_a_set_of_the_hub_is_fetched_by_split_and_verified(letters, tmp_path):
    entry, _ = letters
    root = tmp_path / "root"
    files = {"classnames.txt": b"a\nb\n", "test/0.tar": b"tar" * 999, "train/0.tar": b"large"}
    with hub_of(files) as (address, fetched):
        result = from_hub(address, entry, root)
        assert result.returncode == 0, result.stderr
        assert "org/set" in result.stdout and "complete" in result.stdout
        assert sorted(fetched) == [("classnames.txt", 0), ("test/0.tar", 0)]
        assert (root / "wds" / "test" / "0.tar").read_bytes() == files["test/0.tar"]
        (root / "wds" / "test" / "0.tar").write_bytes(b"rat" * 999)
        result = from_hub(address, entry, root)
        assert result.returncode == 2
        assert "0.tar: differs from the hub's (1 such files)" in result.stderr


def test_a_hub_that_is_away_is_one_message(letters, tmp_path):
    entry, _ = letters
    result = from_hub("http://127.0.0.1:9", entry, tmp_path / "root")
    assert result.returncode == 1 and "Traceback" not in result.stderr
    assert "the hub's datasets/org/set cannot be fetched" in result.stderr


@pytest.mark.parametrize("name", dataset_names())
def test_every_catalogued_archive_unpacks_towards_its_layout(name):
    for layout in dataset_entry(name).layouts:
        for archive in layout.archives:
            into = PurePosixPath(archive.into)
            assert into == PurePosixPath(".") or into in (
                PurePosixPath(layout.folder), *PurePosixPath(layout.folder).parents
            )  # fmt: skip
            assert set(archive.splits or ()) <= set(layout.splits)
