"""One file from a server on this machine: resumed, verified, kept only when it is right."""

import pytest
from pydantic import ValidationError
from tests.data.archives import digest
from tests.data.small_server import serving

from zsrobust.data.archive import Archive
from zsrobust.data.fetch import fetch, size_of
from zsrobust.errors import DataError, RunError

CONTENT = bytes(range(256)) * 400


def quiet(there, total):
    pass


@pytest.fixture
def server():
    with serving({"/set.bin": CONTENT}) as (address, served):
        yield address, served


def archive_of(address, content=CONTENT, algorithm="sha256"):
    return Archive(url=f"{address}/set.bin", digest=digest(content, algorithm))


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_a_file_is_fetched_verified_and_shown_as_it_comes(server, tmp_path, algorithm):
    address, served = server
    seen = []
    file = fetch(archive_of(address, algorithm=algorithm), tmp_path, lambda *at: seen.append(at))
    assert file == tmp_path / "set.bin" and file.read_bytes() == CONTENT
    assert seen[0] == (0, len(CONTENT)) and seen[-1] == (len(CONTENT), len(CONTENT))
    assert [path.name for path in tmp_path.iterdir()] == ["set.bin"]
    fetch(archive_of(address, algorithm=algorithm), tmp_path, quiet)
    assert len(served.requests) == 1


def test_a_download_cut_off_says_so_and_continues_where_it_stopped(server, tmp_path):
    address, served = server
    served.breaks_off_at = 30_000
    with pytest.raises(RunError, match=r"30,000 of 102,400 bytes.*same command continues"):
        fetch(archive_of(address), tmp_path, quiet)
    assert not (tmp_path / "set.bin").exists()
    assert (tmp_path / "set.bin.part").stat().st_size == 30_000
    served.breaks_off_at = None
    assert fetch(archive_of(address), tmp_path, quiet).read_bytes() == CONTENT
    assert served.requests == [None, "bytes=30000-"]


def test_a_server_without_ranges_sends_the_whole_again(server, tmp_path):
    address, served = server
    (tmp_path / "set.bin.part").write_bytes(b"x" * 500)
    served.knows_ranges = False
    assert fetch(archive_of(address), tmp_path, quiet).read_bytes() == CONTENT


def test_a_part_that_is_whole_already_is_only_verified(server, tmp_path):
    address, served = server
    (tmp_path / "set.bin.part").write_bytes(CONTENT)
    assert fetch(archive_of(address), tmp_path, quiet).read_bytes() == CONTENT
    assert served.requests == [f"bytes={len(CONTENT)}-"]


def test_a_wrong_hash_is_refused_and_the_part_kept(server, tmp_path):
    address, _ = server
    with pytest.raises(DataError, match=r"set\.bin\.part: its sha256 is .* should give") as fault:
        fetch(archive_of(address, content=b"another"), tmp_path, quiet)
    assert "Remove it to fetch it anew" in str(fault.value)
    assert [path.name for path in tmp_path.iterdir()] == ["set.bin.part"]


def test_a_server_that_is_away_or_lacks_the_file_is_named(server, tmp_path):
    address, _ = server
    with pytest.raises(RunError, match=r"absent\.zip: the server answers 404"):
        fetch(Archive(url=f"{address}/absent.zip", digest=digest(b"")), tmp_path, quiet)
    with pytest.raises(RunError, match="cannot be reached"):
        fetch(Archive(url="http://127.0.0.1:9/set.zip", digest=digest(b"")), tmp_path, quiet)


def test_the_size_is_the_entrys_or_else_the_servers(server):
    address, served = server
    assert size_of(archive_of(address)) == len(CONTENT)
    assert size_of(Archive(url=f"{address}/x.zip", digest=digest(b""), size=7)) == 7
    assert size_of(Archive(url="http://127.0.0.1:9/x.zip", digest=digest(b""))) is None
    assert served.requests == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "file:///etc/passwd"),
        ("url", "https://example.org/"),
        ("digest", "md5:123"),
        ("digest", ""),
        ("into", "../elsewhere"),
        ("inner", "/etc/passwd"),
    ],
)
def test_an_archive_that_could_not_be_fetched_or_verified_is_no_entry(field, value):
    right = {"url": "https://example.org/set.zip", "digest": digest(b"")}
    with pytest.raises(ValidationError):
        Archive(**{**right, field: value})
