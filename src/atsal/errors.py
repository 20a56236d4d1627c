"""The errors a user can meet. Each message says what was found, what was expected and what to do.

AtsalError
├── InputError               what was given cannot be used
│   ├── MediaError           a video or image: missing, empty, broken, of another kind
│   │   └── TruncatedMediaError   a video that breaks half way: the frames before are good
│   ├── DataError            a gaze log or data set: damaged, incomplete, of another format
│   ├── ShapeError           an array or frame of another shape or type
│   └── ConfigError          an unknown key, a wrong value, an unknown model name
├── PredictionError          a runtime that fails on a network or a frame
├── TrainingError            a run that cannot go on: a loss that is no number, too little memory
├── WeightsError             a checkpoint or weight folder: unsafe, of another network, damaged
├── OutputError              a result cannot be written
└── MissingDependencyError   an optional package is not installed
"""


class AtsalError(Exception):
    """Base of all errors raised on purpose; the command line prints its message and exits with status 1."""


class InputError(AtsalError):
    """What was given cannot be used."""


class MediaError(InputError):
    """A video or image that is missing, empty, broken or of another kind."""


class TruncatedMediaError(MediaError):
    """A video that breaks half way; every frame delivered before this error is good."""


class DataError(InputError):
    """A gaze log or a data set that is damaged, incomplete or of another format."""


class ShapeError(InputError):
    """An array or a frame of another shape, type or range than the function takes."""


class ConfigError(InputError):
    """An unknown key, a value out of range, an unknown name."""


class PredictionError(AtsalError):
    """A runtime that fails to compile or run a network."""


class TrainingError(AtsalError):
    """A training run that cannot go on; its last good checkpoint is kept."""


class WeightsError(AtsalError):
    """A checkpoint that is unsafe, damaged or of another network."""


class OutputError(AtsalError):
    """A result that cannot be written."""


class MissingDependencyError(AtsalError):
    """An optional package is not installed; the message names the extra that brings it."""


def installing(extra: str) -> str:
    """What to type for an extra of this package, in quotes that every shell takes."""
    return f'pip install "atsal[{extra}]"'
