"""The one family of errors.

ZsrobustError                     exit 1: a fault while running
├── InputError                    exit 2: what the user can mend before running
│   ├── UnknownNameError          a name that no catalogue holds (brings the nearest known)
│   ├── SettingsError             a YAML file, an option or an override is wrong
│   ├── PixelsError               pixels or labels of the wrong kind, shape or range
│   ├── DataError                 a dataset is absent, damaged or mislabelled
│   │   └── UnreadableImageError  one image of it cannot be decoded
│   ├── ModelError                a model is absent or its parts disagree
│   └── RunFolderError            a folder holds another run
└── RunError                      something broke that was right when it began
    ├── LostContactError          another process of the same training is gone
    └── NotFiniteError            a loss or a model's answers became NaN or infinite

Every message says what is wrong, the value and where it came from, and what to do.
"""


class ZsrobustError(Exception):
    """Root of the family; the command line turns it into one line and an exit code."""

    exit_code = 1


class InputError(ZsrobustError):
    """Something the user can mend before running again."""

    exit_code = 2


class UnknownNameError(InputError):
    """A name that no catalogue holds."""


class SettingsError(InputError):
    """A YAML file, an option or an override that does not say something valid."""


class PixelsError(InputError):
    """Pixels or labels of the wrong type, shape or range."""


class DataError(InputError):
    """A dataset that is absent, damaged or mislabelled."""


class UnreadableImageError(DataError):
    """One image of a dataset that cannot be decoded, named by file, member and position."""


class ModelError(InputError):
    """A model that is absent or whose parts disagree."""


class RunFolderError(InputError):
    """An output folder that holds something else than this run."""


class RunError(ZsrobustError):
    """Something broke while running."""


class LostContactError(RunError):
    """Another process of the same training is gone, or cannot be reached."""


class NotFiniteError(RunError):
    """A loss, or what a model answers, became NaN or infinite."""
