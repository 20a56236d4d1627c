"""`POST /v1/images`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.requests import ClientDisconnect

from atsal.errors import ConfigError, InputError, SetAsideError
from atsal.serving.gate.access import Submitter
from atsal.serving.photos.fair_queue import FullError
from atsal.serving.photos.held_bytes import HeldBytes
from atsal.serving.photos.photo import MEDIA_TYPES, PhotoAnswer, PhotoQuery, PhotoQuestion
from atsal.serving.photos.pool import PhotoPool
from atsal.serving.photos.settings import PhotoSettings
from atsal.serving.problem_types import BUSY, INVALID_REQUEST, TOO_MANY, UNUSABLE_PHOTO, WRONG_TYPE
from atsal.serving.problems import Problem, declared

if TYPE_CHECKING:
    from atsal.serving.service import Service

STEREO_HEADER = "Atsal-Stereo"
_HUNG_UP = 499  # nobody sees it
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_TAKEN = ("image/jpeg", "image/png", "image/webp", "image/avif", "image/tiff", "application/octet-stream")
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The map, the overlay or the regions, as `output` asks for.",
        "content": dict.fromkeys(sorted(set(MEDIA_TYPES.values())), _BINARY) | {"application/json": {"schema": {}}},
        "headers": {STEREO_HEADER: {"schema": {"type": "string"}, "description": "The layout as which it was taken."}},
    }
}


def make_router(service: "Service") -> APIRouter:
    """Return the route of photos. Its processes run while the application does."""
    settings, device = service.settings.photos, service.settings.device
    pool = PhotoPool(partial(_prepare, device, settings), settings)
    held = HeldBytes(settings.most_bytes_waiting)

    @asynccontextmanager
    async def run(_app: Any) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(pool.stop)

    router = APIRouter(prefix="/v1", tags=["images"], lifespan=run)

    @router.post(
        "/images",
        response_class=Response,
        responses=_ANSWERS | declared(WRONG_TYPE, INVALID_REQUEST, UNUSABLE_PHOTO, TOO_MANY, BUSY),
        openapi_extra={"requestBody": {"required": True, "content": dict.fromkeys(_TAKEN, _BINARY)}},
    )
    async def predict_photo(request: Request, query: Annotated[PhotoQuery, Query()], caller: Submitter) -> Response:
        """Predict a 360° photo, the body of the request, and return its map, an overlay or its regions."""
        owner = caller.name or (request.client.host if request.client else "")
        with _problems(pool), held.of_one() as body:
            try:
                content = await body.read(request)
                _check_type(request)
                question = query.question(content, device)
                found = await _answer(request, pool, owner, question)
            except ClientDisconnect:
                return Response(status_code=_HUNG_UP)
        return Response(found.content, media_type=MEDIA_TYPES[query.output], headers={STEREO_HEADER: found.stereo})

    return router


def _prepare(device: str, settings: PhotoSettings) -> Callable[[PhotoQuestion], PhotoAnswer]:
    from atsal.serving.photos.answering import prepare  # noqa: PLC0415 - imports torch, in the processes of the pool

    return prepare(device, settings)


def _check_type(request: Request) -> None:
    """Refuse the types that a form or a careless `curl` sends. The format is that of the content, whatever the type."""
    stated = request.headers.get("content-type", "application/octet-stream").partition(";")[0].strip().lower()
    if not stated.startswith("image/") and stated != "application/octet-stream":
        raise Problem(WRONG_TYPE, "send the photo itself as the body, with its type, as Content-Type: image/jpeg")


async def _answer(request: Request, pool: PhotoPool, owner: str, question: PhotoQuestion) -> PhotoAnswer:
    """Wait for the answer; a client that hangs up gives its place away. Raises ClientDisconnect then."""
    answer = asyncio.wrap_future(pool.submit(owner, question))
    hang_up = asyncio.ensure_future(_hang_up(request))
    try:
        await asyncio.wait({answer, hang_up}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise ClientDisconnect
        found: PhotoAnswer = answer.result()
        return found
    finally:
        answer.cancel()
        hang_up.cancel()


async def _hang_up(request: Request) -> None:
    """Wait until the client hangs up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


@contextmanager
def _problems(pool: PhotoPool) -> Iterator[None]:
    """Raise errors as problems."""
    try:
        yield
    except ConfigError as error:
        raise Problem(INVALID_REQUEST, str(error)) from error
    except (InputError, SetAsideError) as error:
        raise Problem(UNUSABLE_PHOTO, str(error)) from error
    except FullError as error:
        wait_s = pool.seconds_to_wait()
        found = "too many photos of yours wait" if error.is_own else "too many photos wait"
        raise Problem(
            TOO_MANY if error.is_own else BUSY,
            f"{found}; try again in {wait_s} s",
            headers={"Retry-After": str(wait_s)},
        ) from error
