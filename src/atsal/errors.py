"""All errors that atsal raises on purpose. Each message says what was found, what was expected and what to do.

AtsalError
├── InputError               an input cannot be used
│   ├── MediaError           a video or image: missing, empty, damaged, or another type of file
│   │   └── TruncatedMediaError   a video that is damaged in the middle: the frames before are good
│   ├── DataError            a gaze log or data set: damaged, incomplete, or in another format
│   ├── ShapeError           an array or frame with a wrong shape or type
│   └── ConfigError          an unknown key, a wrong value, an unknown name
├── PredictionError          a runtime that fails on a network or a frame
├── LostReaderError          a process that read a file was killed, which says nothing about the file
├── SetAsideError            a source that ends the processes that work on it
├── TrainingError            a training run that cannot continue: a loss of NaN, too little memory
├── WeightsError             a checkpoint or weight folder: unsafe, damaged, or for another network
├── OutputError              a result cannot be written
│   └── EncoderError         an encoder refuses the pictures or its settings
├── StoreError               the jobs of a service cannot be read or written
├── ServiceError             a service refuses a request, cannot be reached, or failed at a job
└── MissingDependencyError   an optional package is not installed
"""


class AtsalError(Exception):
    """Base of all errors raised on purpose; the command line prints its message and exits with status 1."""


class InputError(AtsalError):
    """An input that cannot be used."""


class MediaError(InputError):
    """A video or image that is missing, empty, damaged, or another type of file."""


class TruncatedMediaError(MediaError):
    """A video that is damaged in the middle; every frame delivered before this error is good."""


class DataError(InputError):
    """A gaze log or a data set that is damaged, incomplete, or in another format."""


class ShapeError(InputError):
    """An array or a frame with another shape, type or range than the function takes."""


class ConfigError(InputError):
    """An unknown key, a value out of range, an unknown name."""


class PredictionError(AtsalError):
    """A runtime that fails to compile or run a network."""


class LostReaderError(AtsalError):
    """A process that read a file was killed, as by the system when memory is short; the file may be good."""


class SetAsideError(AtsalError):
    """A source that ends the processes that work on it, as by its need of memory; the others are done."""


class TrainingError(AtsalError):
    """A training run that cannot continue; its last good checkpoint is kept."""


class WeightsError(AtsalError):
    """A checkpoint or weight folder that is unsafe, damaged, or for another network."""


class OutputError(AtsalError):
    """A result that cannot be written."""


class EncoderError(OutputError):
    """An encoder that refuses the pictures or its settings; `reason` is what FFmpeg says."""

    def __init__(self, message: str, reason: str = "") -> None:  # a default, so that it can be pickled
        super().__init__(message)
        self.reason = reason


class StoreError(AtsalError):
    """The jobs of a service cannot be read or written; `is_full`: because its disk is full."""

    def __init__(self, message: str, *, is_full: bool = False) -> None:
        super().__init__(message)
        self.is_full = is_full


class ServiceError(AtsalError):
    """A service that refuses a request, cannot be reached, or failed at a job.

    `kind` is the last part of the problem's type, as "not-found"; `status` is 0 where no answer came, and the code of
    the WebSocket where a live session was closed. The log of the service has the `request_id`.
    """

    def __init__(self, message: str, *, kind: str = "", status: int = 0, request_id: str = "") -> None:
        super().__init__(message)
        self.kind, self.status, self.request_id = kind, status, request_id


class MissingDependencyError(AtsalError):
    """An optional package is not installed; the message names the extra that brings it."""


def install_hint(extra: str) -> str:
    """Return the command that installs an extra of this package, with quotes that every shell accepts."""
    return f'pip install "atsal[{extra}]"'
