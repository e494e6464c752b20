"""Official folders of images beside lists of labels, whose lists torchvision reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from zsrobust.data.readers.images import Images, Reader, ReadRequest
from zsrobust.data.readers.official_files import check_present, file_reader
from zsrobust.data.readers.official_order import in_catalogue_order
from zsrobust.errors import DataError

Listing = tuple[Sequence[Any], Sequence[int], Sequence[str]]
"""Paths of the images, their labels, and the class names in the order of those labels."""


def _flowers102(root: str, split: str) -> Listing:
    from torchvision.datasets import Flowers102

    # Without the archive's hashes, so that a part of the set can be read as well.
    no_hashes = {key: (name, None) for key, (name, _) in Flowers102._file_dict.items()}
    found = type("AnyCopy", (Flowers102,), {"_file_dict": no_hashes})(root, split=split)
    # Its folder names no classes, only numbers: a class absent from a split is none the less one.
    return found._image_files, found._labels, [str(number) for number in range(1, 103)]


def _cars(root: str, split: str) -> Listing:
    from torchvision.datasets import StanfordCars

    found = StanfordCars(root, split=split)
    files, labels = zip(*found._samples, strict=True)
    return files, [int(label) for label in labels], found.classes


def _pets(root: str, split: str) -> Listing:
    from torchvision.datasets import OxfordIIITPet

    found = OxfordIIITPet(root, split=split)
    return found._images, found._labels, found.classes


def _food101(root: str, split: str) -> Listing:
    from torchvision.datasets import Food101

    found = Food101(root, split=split)
    return found._image_files, found._labels, found.classes


def _dtd(root: str, split: str) -> Listing:
    from torchvision.datasets import DTD

    found = DTD(root, split=split, partition=1)
    return found._image_files, found._labels, found.classes


def _fgvc_aircraft(root: str, split: str) -> Listing:
    from torchvision.datasets import FGVCAircraft

    found = FGVCAircraft(root, split=split, annotation_level="variant")
    return found._image_files, found._labels, found.classes


def _sun397(root: str, split: str) -> Listing:
    from torchvision.datasets import SUN397

    found = SUN397(root)
    # Found in the order of the disk: sorted here, so that positions are the same everywhere.
    rows = sorted(zip(found._image_files, found._labels, strict=True))
    return [file for file, _ in rows], [label for _, label in rows], found.classes


def _reader(listing: Callable[[str, str], Listing]) -> Reader:
    """A reader of the folder of which torchvision gives the listing; ids are paths within it."""

    def read(folder: Path, own_split: str, request: ReadRequest) -> Images:
        try:
            paths, labels, classes = listing(str(folder.parent), own_split)
            files = tuple(Path(path).relative_to(folder).as_posix() for path in paths)
        except Exception as error:
            # Whatever a damaged list makes torchvision, or scipy beneath it, stumble over.
            reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
            raise DataError(
                f"{folder}: torchvision cannot read it as the official {request.name} "
                f"({reason}). {request.how}"
            ) from None
        check_present(folder, files, "its annotations")
        return Images(
            ids=files,
            labels=in_catalogue_order(classes, labels, request, folder),
            read=file_reader(folder, files),
        )

    return read


read_food101 = _reader(_food101)
read_pets = _reader(_pets)
read_flowers102 = _reader(_flowers102)
read_dtd = _reader(_dtd)
read_fgvc_aircraft = _reader(_fgvc_aircraft)
read_cars = _reader(_cars)
read_sun397 = _reader(_sun397)
