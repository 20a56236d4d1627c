"""`/v1/uploads`: files that come in parts, and go on after a break, by tus 1.0 with creation, expiration, termination.

docs/decisions/0011-uploads.md says why no library does this.
"""

import os
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import anyio
from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from atsal.serving.gate.access import Submitter
from atsal.serving.gate.caller import Caller
from atsal.serving.problem_types import (
    DISK_FULL,
    EXPIRED,
    MALFORMED,
    NOT_FOUND,
    QUOTA,
    STORE_UNAVAILABLE,
    TOO_LARGE,
    UPLOAD_IN_USE,
    WRONG_OFFSET,
    WRONG_TYPE,
    WRONG_VERSION,
)
from atsal.serving.problems import Problem, declared, is_of_full_disk
from atsal.serving.sources import tus_headers as tus
from atsal.serving.sources.upload_store import BusyError, Upload, new_upload
from atsal.serving.store.usage import QuotaError

if TYPE_CHECKING:
    from atsal.serving.service import Service

_BLOCK_BYTES = 1 << 20


def make_router(service: "Service") -> APIRouter:
    """Return the routes of uploads."""
    router = APIRouter(prefix="/v1/uploads", tags=["uploads"])
    _add_creation(router, service)
    _add_upload(router, service)
    return router


def _add_creation(router: APIRouter, service: "Service") -> None:
    limits, keep_s = service.settings.sources, service.settings.keep_s

    @router.options("", status_code=204)
    def describe_uploads(_caller: Submitter) -> Response:
        """Say what of tus is spoken here."""
        return _answer(
            204, {"Tus-Version": tus.VERSION, "Tus-Extension": tus.EXTENSIONS, "Tus-Max-Size": limits.file_bytes}
        )

    @router.post(
        "",
        status_code=201,
        responses=declared(MALFORMED, WRONG_VERSION, QUOTA, TOO_LARGE, DISK_FULL, STORE_UNAVAILABLE),
    )
    def create_upload(caller: Submitter, request: Request) -> Response:
        """Begin an upload of `Upload-Length` bytes; its parts go to the address in `Location`."""
        size = tus.read_length(request.headers, limits.file_bytes)
        if request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers:
            raise Problem(MALFORMED, "a new upload has no body; its parts follow")
        if service.data.free_bytes() - size < service.settings.least_free_bytes:
            raise Problem(DISK_FULL, "no upload of this size is accepted until there is more space; try again later")
        upload = new_upload(caller.name, tus.read_name(request.headers), size, service.clock.now_s(), keep_s)
        _add(service, upload)
        return _answer(201, {"Location": f"/v1/uploads/{upload.id}", "Upload-Expires": tus.http_date(upload.expires_s)})


def _add_upload(router: APIRouter, service: "Service") -> None:
    missing = (NOT_FOUND, EXPIRED, WRONG_VERSION, STORE_UNAVAILABLE)

    @router.head("/{upload_id}", responses=declared(*missing))
    def get_offset(upload_id: str, caller: Submitter, request: Request) -> Response:
        """Say how many bytes of an upload have come."""
        tus.check_version(request.headers)
        upload = find_upload(service, caller, upload_id)
        return _answer(200, {"Upload-Length": upload.bytes, **_state(upload, _offset(service, upload))})

    @router.patch(
        "/{upload_id}",
        status_code=204,
        responses=declared(*missing, MALFORMED, WRONG_OFFSET, TOO_LARGE, WRONG_TYPE, UPLOAD_IN_USE, DISK_FULL),
    )
    async def append_part(upload_id: str, caller: Submitter, request: Request) -> Response:
        """Append a part, which begins at `Upload-Offset`; what has come before a break is kept."""
        offset = tus.check_part(request.headers)
        upload = await run_sync(find_upload, service, caller, upload_id)
        return _answer(204, _state(upload, await _append(service, upload, offset, request)))

    @router.delete("/{upload_id}", status_code=204, responses=declared(*missing, UPLOAD_IN_USE))
    def remove_upload(upload_id: str, caller: Submitter, request: Request) -> Response:
        """Remove an upload; jobs that use it keep their file."""
        tus.check_version(request.headers)
        upload = find_upload(service, caller, upload_id)
        try:
            service.uploads.remove_unused(upload)
        except BusyError as error:
            raise _busy(error) from error
        return _answer(204, {})


def find_upload(service: "Service", caller: Caller, upload_id: str) -> Upload:
    """Return an upload of the caller, or of anybody for an admin. Raises `Problem`."""
    upload = service.uploads.get(upload_id)
    if upload is None or not caller.sees(upload.owner):
        raise Problem(NOT_FOUND, "there is no upload with this id; it may have expired")
    if upload.expires_s <= service.clock.now_s():
        raise Problem(EXPIRED, "the upload has expired; begin a new one")
    return upload


def _add(service: "Service", upload: Upload) -> None:
    limits = service.settings.sources
    try:
        service.uploads.add(upload, most_bytes=limits.stored_bytes, most=limits.uploads)
    except QuotaError as error:
        raise Problem(QUOTA, str(error)) from error


def _offset(service: "Service", upload: Upload) -> int:
    offset = service.uploads.offset(upload)
    if offset is None:
        raise Problem(NOT_FOUND, "the file of this upload is gone; begin a new one")
    return offset


async def _append(service: "Service", upload: Upload, offset: int, request: Request) -> int:
    """Write the body to the file of an upload and return its new size."""
    try:
        async with _opened(service, upload) as descriptor:
            await run_sync(_check_part, service, upload, descriptor, offset, request)
            return await _write(descriptor, upload, offset, request)
    except OSError as error:
        if not is_of_full_disk(error):
            raise
        await run_sync(service.uploads.remove, upload.id)
        raise Problem(DISK_FULL, "the upload was removed; try again when there is more space") from error


def _check_part(service: "Service", upload: Upload, descriptor: int, offset: int, request: Request) -> None:
    """Refuse a part that begins elsewhere, or is too long for its upload or the disk, before it is read."""
    done = os.fstat(descriptor).st_size
    if offset != done:
        raise Problem(WRONG_OFFSET, f"the upload has {done} bytes; send the part that begins there")
    size = int(request.headers.get("content-length", upload.bytes - offset))
    if offset + size > upload.bytes:
        raise _too_long(upload)
    if service.data.free_bytes() - size < service.settings.least_free_bytes:
        raise Problem(DISK_FULL, "there is no room for this part; try again later", headers={"Retry-After": "60"})


async def _write(descriptor: int, upload: Upload, offset: int, request: Request) -> int:
    end = offset
    async for block in _blocks(request):
        if end + len(block) > upload.bytes:
            await run_sync(os.ftruncate, descriptor, offset)
            raise _too_long(upload)
        await run_sync(_write_all, descriptor, block, end)
        end += len(block)
    return end


async def _blocks(request: Request) -> AsyncIterator[bytes]:
    """Yield the body in large blocks; what came before the client went is yielded, too."""
    block = bytearray()
    try:
        async for piece in request.stream():
            block += piece
            if len(block) >= _BLOCK_BYTES:
                yield bytes(block)
                block.clear()
    except ClientDisconnect:
        pass
    yield bytes(block)


def _write_all(descriptor: int, block: bytes, position: int) -> None:
    view = memoryview(block)
    while view:
        written = os.pwrite(descriptor, view, position)
        view, position = view[written:], position + written


@asynccontextmanager
async def _opened(service: "Service", upload: Upload) -> AsyncIterator[int]:
    """Give the file of an upload, opened and closed in a thread, because a large file takes time to reach the disk."""
    with ExitStack() as stack:
        try:
            descriptor = await run_sync(stack.enter_context, service.uploads.growing(upload))
        except BusyError as error:
            raise _busy(error) from error
        except FileNotFoundError as error:
            raise Problem(WRONG_OFFSET, "the upload is complete, or its file is gone") from error
        try:
            yield descriptor
        finally:
            with anyio.CancelScope(shield=True):
                await run_sync(stack.close)


def _busy(error: BusyError) -> Problem:
    return Problem(UPLOAD_IN_USE, str(error), headers={"Retry-After": "1"})


def _too_long(upload: Upload) -> Problem:
    return Problem(TOO_LARGE, f"the part goes beyond the {upload.bytes} bytes of the upload; nothing of it was taken")


def _state(upload: Upload, offset: int) -> dict[str, object]:
    return {"Upload-Offset": offset, "Upload-Expires": tus.http_date(upload.expires_s)}


def _answer(status: int, headers: dict[str, object]) -> Response:
    return Response(
        status_code=status, headers={"Tus-Resumable": tus.VERSION} | {k: str(v) for k, v in headers.items()}
    )
