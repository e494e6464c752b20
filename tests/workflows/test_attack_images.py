import numpy as np
import pytest
import torch
from PIL import Image

import zsrobust as zr
from zsrobust.attacks.catalogue import ATTACKS
from zsrobust.data.catalogue import load_dataset
from zsrobust.data.pixels import resize_image
from zsrobust.errors import DataError, InputError, RunError, RunFolderError, UnknownNameError
from zsrobust.records.header import read_header
from zsrobust.records.store import read_records, records_folder
from zsrobust.report.cells import read_cells
from zsrobust.workflows import attack_images as workflow
from zsrobust.workflows.attack_images import attack_images
from zsrobust.workflows.attacked_pictures import picture_names
from zsrobust.workflows.images_to_attack import images_to_attack

SHAPES = load_dataset("scenes-shapes")
MODEL = zr.load_model("scenes-tiny", "cpu")
NAMES = ("circle", "square", "triangle", "star", "heart")
EPS = "4/255"


def scenes(count):
    """The first rendered scenes, each larger than the model's input, with their classes."""
    found = [(SHAPES.read(i), SHAPES.class_names[SHAPES.labels[i]]) for i in range(count)]
    return [(image.resize((120, 90), Image.Resampling.BICUBIC), name) for image, name in found]


@pytest.fixture(scope="module")
def flat(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos") / "flat"
    folder.mkdir()
    for i, (image, _) in enumerate(scenes(5)):
        image.save(folder / f"{i}.{'jpg' if i % 2 else 'png'}")
    return folder


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """Two pictures a class, of the same names in every class."""
    folder = tmp_path_factory.mktemp("photos") / "tree"
    for image, name in scenes(24):
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        if name in NAMES and len(list(place.iterdir())) < 2:
            image.save(place / f"{len(list(place.iterdir()))}.png")
    for place in folder.iterdir():
        if not any(place.iterdir()):
            place.rmdir()
    return folder


@pytest.fixture(scope="module")
def done(flat, tmp_path_factory):
    return run(flat, tmp_path_factory.mktemp("out") / "run")


def run(path, out, classes=NAMES, eps=EPS, attack="pgd-20", **options):
    return attack_images(path, classes, MODEL, eps, attack=attack, out=out, **options)


def read(path):
    levels = torch.from_numpy(np.asarray(Image.open(path)).copy())
    return levels.permute(2, 0, 1)[None].float() / 255


def test_every_adversarial_png_fools_the_model_and_stays_in_the_ball(done):
    classifier = zr.load_classifier(MODEL, NAMES)
    fooled = [image for image in done.images if image.status == "fooled"]
    assert len(fooled) >= 3
    for image in fooled:
        adversarial, clean = read(image.picture), read(done.run.path / "clean" / image.picture.name)
        assert adversarial.shape == clean.shape == (1, 3, 56, 56)
        assert (adversarial - clean).abs().max() * 255 <= 4 + 1e-3
        assert image.label == NAMES[classifier(clean).argmax()]
        assert image.label != NAMES[classifier(adversarial).argmax()] == image.attacked[0][0]
        assert image.agrees and image.attack in ("pgd-ce-20", "pgd-margin-20")
        assert image.distance <= 4 / 255


def test_the_clean_pictures_are_what_the_model_sees_of_the_files(done, flat):
    for image in done.images:
        seen = resize_image(Image.open(flat / image.file).convert("RGB"), 56)
        name = image.file.split(".")[0]
        written = np.asarray(Image.open(done.run.path / "clean" / f"{name}.png"))
        assert np.array_equal(written, seen)


def test_the_folder_is_a_run_that_reports_read(done):
    (cell,) = read_cells(done.run.path)
    assert cell.attack.startswith("pgd-20") and cell.summary == done.run.summary
    assert cell.summary.clean_accuracy is None and not cell.header.dataset.labelled
    rate = cell.summary.by_eps[0].attack_success_rate
    assert rate.value * rate.n == sum(image.status == "fooled" for image in done.images)
    assert len(read_records(records_folder(done.run.path))) == 5


def test_the_same_call_repeats_and_writes_nothing_anew(done, flat):
    before = {path: path.stat().st_mtime_ns for path in done.run.path.rglob("*.p*")}
    assert before
    again = run(flat, done.run.path)
    assert again.images == done.images
    assert {path: path.stat().st_mtime_ns for path in done.run.path.rglob("*.p*")} == before


def test_another_runs_folder_is_refused(done, flat, tmp_path):
    for options in ({"eps": "5/255"}, {"seed": 1}, {"classes": NAMES[:3]}, {"label": "star"}):
        with pytest.raises(RunFolderError, match="holds another run"):
            run(flat, done.run.path, **options)
    (tmp_path / "letters.txt").write_text("x")
    with pytest.raises(RunFolderError, match=r"holds other files \(letters\.txt\)"):
        run(flat, tmp_path)


def test_another_picture_under_the_same_name_is_another_run(flat, tmp_path):
    file = tmp_path / "photo.png"
    file.write_bytes((flat / "0.png").read_bytes())
    run(file, tmp_path / "out", attack="apgd-ce")
    file.write_bytes((flat / "2.png").read_bytes())
    with pytest.raises(RunFolderError, match="holds another run: dataset"):
        run(file, tmp_path / "out", attack="apgd-ce")


def test_without_out_every_run_has_a_folder_of_its_own(flat, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one, other = (run(flat / "0.png", None, eps=eps, attack="apgd-ce") for eps in (EPS, "6/255"))
    assert one.run.path.parent == other.run.path.parent == workflow.DEFAULT_OUT
    assert one.run.path != other.run.path
    assert one.run.path.name.startswith("0-")


def test_a_run_that_stopped_between_blocks_continues(flat, tmp_path, monkeypatch, done):
    monkeypatch.setattr(workflow, "BLOCK", 2)
    monkeypatch.setattr(workflow, "block_count", lambda count: -(-count // 2))
    real, calls = workflow._attack_block, []

    def stops(*arguments):
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(workflow, "_attack_block", stops)
    with pytest.raises(KeyboardInterrupt):
        run(flat, tmp_path / "out")
    monkeypatch.setattr(workflow, "_attack_block", real)
    blocks = []
    continued = run(flat, tmp_path / "out", on_block=lambda *numbers: blocks.append(numbers))
    assert blocks == [(3, 3)]
    assert [each.status for each in continued.images] == [each.status for each in done.images]


def test_class_folders_are_labels_and_names_do_not_collide(tree, tmp_path):
    done = run(tree, tmp_path / "out", classes=None, attack="apgd-ce")
    assert all(image.label == image.file.split("/")[0] for image in done.images)
    assert len({image.picture for image in done.images if image.picture}) > 2
    clean = sorted(
        path.relative_to(done.run.path / "clean") for path in done.run.path.glob("clean/*/*")
    )
    assert [str(path) for path in clean] == [image.file for image in done.images]
    assert done.run.summary.clean_accuracy.n == len(done.images)
    assert read_header(done.run.path).dataset.labelled


def test_classes_may_name_more_candidates_than_there_are_folders_in_any_order(tree, tmp_path):
    own = images_to_attack(tree, None)
    more = images_to_attack(tree, ["fish", *reversed(own.class_names)])
    named = [own.class_names[label] for label in own.labels]
    assert [more.class_names[label] for label in more.labels] == named
    listing = tmp_path / "names.txt"
    listing.write_text("\n".join(f"a {name}" for name in own.class_names))
    renamed = images_to_attack(tree, listing)
    assert [renamed.class_names[label] for label in renamed.labels] == [f"a {n}" for n in named]
    listing.write_text("\n".join(reversed(own.class_names)))
    assert (
        images_to_attack(tree, str(listing)).labels
        == images_to_attack(tree, own.class_names[::-1]).labels
    )
    with pytest.raises(UnknownNameError, match="'circle' is not among --classes"):
        images_to_attack(tree, "cercle,square,triangle,star,heart")


def test_an_image_that_is_wrong_when_clean_is_not_attacked(flat, tmp_path):
    said = run(flat / "0.png", tmp_path / "a").images[0].label
    other = next(name for name in NAMES if name != said)
    (image,) = run(flat / "0.png", tmp_path / "b", label=other).images
    assert image.status == "clean_wrong" and image.label == other
    assert image.picture is None and image.attacked == ()
    assert not (tmp_path / "b" / "adversarial").exists()
    assert (tmp_path / "b" / "clean" / "0.png").exists()


def test_a_survivors_strongest_change_is_kept_apart_from_what_fools(flat, tmp_path):
    (image,) = run(flat / "2.png", tmp_path / "out", eps="1/255", attack="apgd-ce").images
    assert image.status == "survived" and image.attack == ""
    assert image.picture == tmp_path / "out" / "survived" / "2.png"
    assert image.clean[0][0] == image.attacked[0][0] == image.label
    assert not (tmp_path / "out" / "adversarial").exists()


def test_a_success_that_rounding_undoes_is_no_success_and_is_said(flat, tmp_path):
    (image,) = run(flat / "2.png", tmp_path / "out", eps="1.75/255").images
    clf = zr.load_classifier(MODEL, NAMES)
    clean = read(tmp_path / "out" / "clean" / "2.png")
    finer = zr.attack(clf, clean, clf(clean).argmax(1), attack="pgd-20", eps="1.75/255")
    assert finer.status == ("fooled",)
    assert (image.status, image.lost_in_rounding) == ("survived", True)
    assert image.distance == 1 / 255


def test_a_picture_that_was_changed_or_removed_since_is_noticed(flat, tmp_path):
    (image,) = run(flat / "0.png", tmp_path / "out", attack="apgd-ce").images
    image.picture.write_bytes((tmp_path / "out" / "clean" / "0.png").read_bytes())
    assert not run(flat / "0.png", tmp_path / "out", attack="apgd-ce").images[0].agrees
    image.picture.unlink()
    with pytest.raises(RunFolderError, match=r"0\.png is gone"):
        run(flat / "0.png", tmp_path / "out", attack="apgd-ce")


def test_names_that_would_share_a_picture_keep_their_suffix():
    assert picture_names(["a/x.jpg", "b/x.jpg"]) == ("a/x.png", "b/x.png")
    assert picture_names(["x.jpg", "x.gif", "y.jpg"]) == ("x.jpg.png", "x.gif.png", "y.jpg.png")
    assert len(set(picture_names(["x.jpg", "x.jpg.png", "X.JPG"]))) == 3


def test_memory_that_runs_out_is_said_with_the_way_out(flat, tmp_path, monkeypatch):
    def scarce(*_, **__):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(workflow, "run_attack", scarce)
    with pytest.raises(RunError, match="64 images at once"):
        run(flat, tmp_path / "out")


def test_nothing_is_written_where_an_image_cannot_be_read(flat, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "good.png").write_bytes((flat / "0.png").read_bytes())
    (photos / "torn.jpg").write_bytes((flat / "1.jpg").read_bytes()[:300])
    with pytest.raises(DataError, match=r"torn\.jpg: not a readable image"):
        run(photos, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_pictures_are_not_written_among_the_images_that_are_attacked(flat):
    with pytest.raises(InputError, match="lies inside"):
        run(flat, flat / "out")


def test_every_attack_of_the_catalogue_is_explained():
    from zsrobust.attacks.explained import ABOUT, members_of

    assert list(ABOUT) == list(ATTACKS)
    for name, cascade in ATTACKS.items():
        assert [member for member, _ in members_of(name)] == [each.name for each in cascade]
