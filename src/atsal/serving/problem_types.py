"""The table of all problems that the service answers with. Each has a page at its `type`, /problems/NAME."""

from dataclasses import dataclass, replace
from http import HTTPStatus


@dataclass(frozen=True)
class ProblemType:
    """A kind of problem."""

    name: str  # the last part of its `type`
    status: int
    title: str
    remedy: str  # what whoever gets it can do


_LATER = "Try again later. If it stays so, whoever runs the service finds the reason in its log, by the request_id."
_DETAIL = "The detail says what was found and what is expected. Change the request."

PROBLEM_TYPES: dict[str, ProblemType] = {}  # by name


def _add(name: str, status: int, title: str, remedy: str) -> ProblemType:
    kind = PROBLEM_TYPES[name] = ProblemType(name, status, title, remedy)
    return kind


# Requests that are wrong in themselves
MALFORMED = _add("malformed-request", 400, "The request is not well formed", _DETAIL)
INVALID_REQUEST = _add("invalid-request", 422, "The request is not as it should be", _DETAIL)
INVALID_OPTION = _add(
    "invalid-option",
    422,
    "An option of the job cannot be used",
    "The member option names it. GET /v1/kinds lists the options of each kind of job, with their types and ranges.",
)
INVALID_SOURCE = _add(
    "invalid-source",
    422,
    "The source cannot be used",
    "Check the name or the URL. The service reads files below its named folders, and URLs that it allows, only.",
)
UNUSABLE_PHOTO = _add("unusable-photo", 422, "The photo cannot be used", "Send a whole 360° photo, equirectangular.")
KEY_USED = _add(
    "idempotency-key-used",
    422,
    "The Idempotency-Key belongs to another job",
    "Give each job a key of its own; the same key is for the same request, sent again.",
)
WRONG_VERSION = _add(
    "wrong-tus-version", 412, "This version of tus is not spoken here", "Send the header Tus-Resumable: 1.0.0."
)
WRONG_TYPE = _add("wrong-type", 415, "The content has a type that is not taken here", _DETAIL)
NO_METHOD = _add("method-not-allowed", 405, "This method is not for this address", "The header Allow lists the others.")
NO_RANGE = _add(
    "range-not-satisfiable", 416, "The file has no such part", "Content-Range says how long the file is. Ask within it."
)
NO_UPGRADE = _add(
    "upgrade-required", 426, "The WebSocket cannot be opened so", "Open it by version 13 of the protocol (RFC 6455)."
)
NOT_IMPLEMENTED = _add("not-implemented", 501, "The service does not know this part of HTTP", _DETAIL)

# Who asks
NO_TOKEN = _add(
    "no-token",
    401,
    "A valid token is needed",
    "Send the header Authorization: Bearer atsal_… Whoever runs the service makes tokens with atsal token add.",
)
NOT_ALLOWED = _add(
    "not-allowed",
    403,
    "This is not allowed",
    "The detail says why: the scope of the token, the page that calls, or the name by which the service was asked.",
)

# What is, or is not, there
NOT_FOUND = _add(
    "not-found",
    404,
    "There is no such thing here",
    "It may have expired, been removed, or belong to another token. GET /openapi.json lists all addresses.",
)
CONFLICT = _add(
    "conflict",
    409,
    "The job or upload is in another state",
    "The detail says in which. Wait until it is done or complete.",
)
WRONG_OFFSET = _add(
    "wrong-offset",
    409,
    "The part does not begin where the upload ends",
    "Ask for Upload-Offset with HEAD, and send the part that begins there.",
)
EXPIRED = _add("expired", 410, "The upload has expired", "Begin a new upload.")
UPLOAD_IN_USE = _add(
    "upload-in-use",
    423,
    "Another request writes to the upload",
    "Wait for its end, then ask for the offset.",
)

# Limits
TOO_SLOW = _add("too-slow", 408, "The request came too slowly", "Send it without long pauses; an upload goes on later.")
TOO_LARGE = _add("too-large", 413, "The request is too large", "The detail says the limit, or where the upload ends.")
HEAD_TOO_LARGE = _add("head-too-large", 431, "The head of the request is too large", "Send fewer or shorter headers.")
QUOTA = _add(
    "quota",
    413,
    "The files of this token are too many or too large",
    "Remove uploads and jobs that are not needed any more; others expire by themselves.",
)
TOO_MANY = _add(
    "too-many-requests", 429, "There were too many requests", "Wait for as many seconds as the header Retry-After says."
)
BUSY = _add(
    "busy",
    503,
    "The service has too much to do",
    "Wait for as many seconds as the header Retry-After says, or close connections.",
)

# The service itself
STORE_UNAVAILABLE = _add("store-unavailable", 503, "The store of jobs cannot be used at the moment", _LATER)
DISK_UNAVAILABLE = _add("disk-unavailable", 503, "The disk of the service cannot be used at the moment", _LATER)
DISK_FULL = _add("disk-full", 507, "The disk of the service is full", _LATER)
NOT_READY = _add("not-ready", 503, "The service cannot do its work at the moment", _LATER)
INTERNAL = _add("internal-error", 500, "The service has a fault", _LATER)

_OF_HTTP = (MALFORMED, NO_TOKEN, NOT_ALLOWED, NOT_FOUND, NO_METHOD, TOO_SLOW, TOO_LARGE, WRONG_TYPE, NO_RANGE)
_OF_CONNECTIONS = (NO_UPGRADE, HEAD_TOO_LARGE, TOO_MANY, INTERNAL, NOT_IMPLEMENTED, BUSY)
_BY_STATUS = {kind.status: kind for kind in (*_OF_HTTP, *_OF_CONNECTIONS)}


def kind_of_status(status: int) -> ProblemType:
    """Return the kind of a problem of which a library tells only the status."""
    other = MALFORMED if status < HTTPStatus.INTERNAL_SERVER_ERROR else INTERNAL
    return replace(_BY_STATUS.get(status, other), status=status)
