"""The zoo: entries that hold together, and weights put where a person would put them."""

import hashlib
from pathlib import Path

import open_clip
import pytest
import torch

from zsrobust.errors import ModelError, SettingsError
from zsrobust.models import catalogue, load
from zsrobust.models.catalogue import ModelEntry, model_entry, model_names
from zsrobust.models.folder import save_folder
from zsrobust.models.load import load_model
from zsrobust.models.towers.catalogue import TOWERS
from zsrobust.models.zoo import fetch_weights, model_folder
from zsrobust.settings import parse
from zsrobust.testing.tiny_clip import CONFIG, tiny_clip
from zsrobust.threat_model import parse_eps

UNKNOWN = "not known"
ENTRY = {
    "version": 1,
    "source": "us",
    "description": "d",
    "format": "robustvlm-visual",
    "licence": {"code": "MIT", "weights": None},
    "architecture": "base",
    "pretrained": "tag",
    "get": {"how": "Download it by hand."},
}


def entry(**changes):
    return parse(ModelEntry, ENTRY | changes, "x.yaml")


@pytest.fixture(autouse=True)
def own_room(tmp_path, monkeypatch):
    monkeypatch.setenv("ZSROBUST_MODELS", str(tmp_path / "models"))


@pytest.mark.parametrize("name", model_names())
def test_every_entry_says_where_its_weights_come_from_and_on_what_they_stand(name):
    known = model_entry(name)
    assert known.bundled == (known.get is None) == (known.format == "bundled")
    if known.base is not None:
        assert (known.architecture, known.pretrained) in open_clip.list_pretrained()
        config = open_clip.get_model_config(known.architecture)
        quick = "quickgelu" if config.get("quick_gelu") else "gelu"
        assert known.activation == quick, "the base would have the other activation"
    elif not known.bundled:
        assert known.whole and known.text_tower == "own"
    if known.text_tower == "base":
        assert known.base is not None
    if known.tuning and known.tuning.eps:
        assert 0 < parse_eps(known.tuning.eps) < 0.1
    for figure in known.published:
        assert (figure.eps is None) or parse_eps(figure.eps) > 0
        assert figure.protocol and figure.source


def test_the_public_robust_models_are_all_there():
    known = set(model_names())
    for method in ("fare", "tecoa"):
        for name in ("2-vit-l-14", "4-vit-l-14", "2-vit-l-14-visual", "1-vit-b-32", "4-vit-b-32"):
            assert f"{method}{name}" in known
        for base in ("vit-b-32", "vit-b-16", "convnext-base-w"):
            assert f"{method}4-{base}-laion2b" in known
    assert {"tecoa-vit-b-32", "tga-zsr-vit-b-32", "comp-tga-vit-b-32"} <= known
    assert {"simclip2-vit-l-14", "simclip4-vit-l-14", "leaf-vit-h-14", "leaf-vit-l-14"} <= known
    assert {"delta-clip-h-14-336", "scenes-tiny", "photos-mini"} <= known


def test_an_entry_with_an_unknown_key_or_format_is_refused():
    with pytest.raises(SettingsError, match="unknown key 'formt'"):
        entry(formt="x")
    with pytest.raises(SettingsError, match="format"):
        entry(format="tarball")


def test_a_model_that_only_a_person_can_fetch_says_from_where_and_to_where():
    with pytest.raises(
        ModelError, match=r"Download it by hand\. Put the file, alone, into .*/mine"
    ):
        fetch_weights("mine", entry())


def test_two_files_leave_it_open_which_is_meant():
    folder = model_folder("mine")
    folder.mkdir(parents=True)
    (folder / "a.pt").write_bytes(b"a")
    assert fetch_weights("mine", entry()) == folder / "a.pt"
    (folder / "b.pt").write_bytes(b"b")
    with pytest.raises(ModelError, match=r"several files \(a.pt, b.pt\)"):
        fetch_weights("mine", entry())


def test_a_file_is_verified_where_its_sha256_is_known():
    folder = model_folder("mine")
    folder.mkdir(parents=True)
    (folder / "a.pt").write_bytes(b"abc")
    right = hashlib.sha256(b"abc").hexdigest()
    assert fetch_weights("mine", entry(get={"how": "x", "sha256": right})) == folder / "a.pt"
    with pytest.raises(ModelError, match="sha256 is ba7816bf8f01cfea"):
        fetch_weights("mine", entry(get={"how": "x", "sha256": "0" * 64}))


def test_what_cannot_be_reached_ends_in_one_message_that_says_where_to_put_it():
    """Offline, as the tests run."""
    hub = entry(get={"hub": "nobody/nothing", "file": "x.pt", "how": "x"})
    with pytest.raises(ModelError, match="nobody/nothing could not be read") as caught:
        fetch_weights("mine", hub)
    assert str(model_folder("mine")) in str(caught.value)


def test_a_file_by_url_is_fetched_once_and_announced(tmp_path, capsys):
    there = tmp_path / "tower.pt"
    torch.save({"a": torch.ones(1)}, there)
    by_url = entry(get={"url": there.as_uri(), "how": "x", "megabytes": 1200})
    file = fetch_weights("mine", by_url)
    assert file == model_folder("mine") / "tower.pt"
    assert "about 1.2 GB, once" in capsys.readouterr().err
    assert fetch_weights("mine", by_url) == file
    assert capsys.readouterr().err == ""
    there.unlink()
    with pytest.raises(Exception, match="could not be fetched"):
        fetch_weights("other", by_url)
    assert not list(model_folder("other").glob("*"))


def test_a_catalogued_visual_file_is_put_on_its_base_and_keeps_its_text_tower(
    monkeypatch, tmp_path
):
    base, robust = tiny_clip(0), tiny_clip(1)
    save_folder(base, tmp_path / "base")
    known = entry(architecture=str(tmp_path / "base"), release="robustvlm")
    monkeypatch.setattr(catalogue.ModelEntry, "base", property(lambda self: self.architecture))
    monkeypatch.setattr(load, "model_names", lambda: ["mine"])
    monkeypatch.setattr(load, "model_entry", lambda name: known)
    folder = model_folder("mine")
    folder.mkdir(parents=True)
    torch.save(robust.visual.state_dict(), folder / "robust_eps_2.pt")
    model = load_model("mine")
    assert model.name == "mine"
    assert torch.equal(model.visual.proj, robust.visual.proj)
    assert torch.equal(model.clip.token_embedding.weight, base.clip.token_embedding.weight)


def test_a_catalogued_folder_brings_both_towers(monkeypatch):
    whole = {"format": "open_clip-folder", "architecture": None, "pretrained": None}
    known = entry(**whole, text_tower="own", activation="quickgelu")
    monkeypatch.setattr(load, "model_names", lambda: ["mine"])
    monkeypatch.setattr(load, "model_entry", lambda name: known)
    model_folder("mine").parent.mkdir(parents=True)
    robust = tiny_clip(3, CONFIG)
    save_folder(robust, model_folder("mine"))
    model = load_model("mine")
    assert torch.equal(model.visual.proj, robust.visual.proj)
    assert torch.equal(model.clip.token_embedding.weight, robust.clip.token_embedding.weight)
    assert model.config["quick_gelu"], "the entry knows the activation; the config did not say"


def in_the_hubs_cache(root, repository, monkeypatch):
    """An empty snapshot of a repository, as the hub's own client lays its cache out."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(root))
    commit = "0" * 40
    folder = root / f"models--{repository.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(commit)
    (folder / "snapshots").mkdir()
    return folder / "snapshots" / commit


def test_what_the_hubs_cache_holds_is_used_without_a_word(monkeypatch, tmp_path, capsys):
    robust = tiny_clip(4)
    save_folder(robust, in_the_hubs_cache(tmp_path / "hub", "our/clip", monkeypatch))
    get = {"hub": "our/clip", "file": "open_clip_model.safetensors", "how": "x"}
    known = entry(format="open_clip-folder", get=get)
    monkeypatch.setattr(load, "model_names", lambda: ["mine"])
    monkeypatch.setattr(load, "model_entry", lambda name: known)
    assert load_model("mine").fingerprint == robust.fingerprint
    assert load_model("hf-hub:our/clip").fingerprint == robust.fingerprint
    assert "fetching" not in capsys.readouterr().err
    file = fetch_weights("mine", entry(get=get))
    assert file.name == "open_clip_model.safetensors"
    with pytest.raises(ModelError, match="sha256 is"):
        fetch_weights(
            "mine",
            known.model_copy(update={"get": known.get.model_copy(update={"sha256": "0" * 64})}),
        )


def test_a_folder_with_the_other_activation_than_its_entry_is_refused(monkeypatch):
    known = entry(format="open_clip-folder", activation="gelu")
    monkeypatch.setattr(load, "model_names", lambda: ["mine"])
    monkeypatch.setattr(load, "model_entry", lambda name: known)
    model_folder("mine").parent.mkdir(parents=True)
    quick = dict(CONFIG) | {"quick_gelu": True}
    save_folder(tiny_clip(3, quick), model_folder("mine"))
    with pytest.raises(ModelError, match="its config says QuickGELU; mine was trained with GELU"):
        load_model("mine")


def test_the_page_lists_every_entry_and_every_tower_as_they_are():
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
    lines = set(page.splitlines())
    for name in model_names():
        known = model_entry(name)
        tuning = (known.tuning.method, known.tuning.eps or UNKNOWN) if known.tuning else ("-", "-")
        weights = "bundled" if known.bundled else "fetched" if known.fetched else "by hand"
        licence = f"{known.licence.code or UNKNOWN} / {known.licence.weights or UNKNOWN}"
        cells = (f"`{name}`", known.base or "-", *tuning, known.format, weights, licence)
        assert f"| {' | '.join(cells)} |" in lines
    for name, kind in TOWERS.items():
        given = "yes" if kind.features else "no"
        assert f"| `{name}` | {kind.title} | {given}: {kind.link} |" in lines
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert len([row for row in rows if "/" in row.split("|")[-2]]) == len(model_names())
