"""Reads damaged files one after the other, in a process of its own: python -m ... FIRST COUNT DIR.

Prints a line of JSON a file: what was damaged, and how reading it ended.
"""

from __future__ import annotations

import json
import resource
import shutil
import signal
import sys
import traceback
import warnings
from pathlib import Path
from random import Random

from tests.mutations.mutate import mutated
from tests.mutations.subjects import SUBJECTS, Subject

from zsrobust.errors import ZsrobustError

SECONDS = 20
"""A reading that takes longer hangs."""


class HangError(BaseException):
    """Raised by the alarm; no reader may catch it."""


def main() -> None:
    """Mutations FIRST to FIRST + COUNT - 1, each with random numbers of its own."""
    first, count, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, _hangs)
    for subject in SUBJECTS:
        sound = _end_of(subject, folder / "sound", lambda content: content)
        if sound["end"] != "read":
            sys.exit(f"{subject.name}, undamaged: {sound}")
    for number in range(first, first + count):
        random = Random(number)
        (subject,) = random.choices(SUBJECTS, [each.weight for each in SUBJECTS])
        before = _peak_mib()
        end = _end_of(
            subject,
            folder / str(number),
            lambda content, kind=subject, draw=random: mutated(content, draw, kind.mutations),
        )
        grown = _peak_mib() - before
        print(json.dumps({"number": number, "subject": subject.name, "mib": grown, **end}))


def _end_of(subject: Subject, folder: Path, damage) -> dict[str, str]:
    """How it ends to read a file of the subject after `damage`: read, refused or a fault."""
    folder.mkdir(parents=True)
    path = subject.make(folder)
    path.write_bytes(damage(path.read_bytes()))
    signal.alarm(SECONDS)
    try:
        subject.read(path)
        return {"end": "read", "said": ""}
    except ZsrobustError as error:
        return {"end": "refused", "said": str(error)}
    except HangError:
        return {"end": "hang", "said": traceback.format_exc()}
    except BaseException:
        return {"end": "fault", "said": traceback.format_exc()}
    finally:
        signal.alarm(0)
        shutil.rmtree(folder)


def _hangs(signum: int, frame: object) -> None:
    raise HangError


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
