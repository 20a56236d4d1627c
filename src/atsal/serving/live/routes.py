"""`WS /v1/live`."""

import logging
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from fastapi import APIRouter, WebSocket
from pydantic import ValidationError
from starlette.websockets import WebSocketDisconnect

from atsal.errors import ConfigError
from atsal.serving.gate.access import submitter
from atsal.serving.gate.refusals import send_problem
from atsal.serving.live.ending import BAD_OPTIONS, FAULT, HUNG_UP, NO_PLACE, Ending
from atsal.serving.live.session import LiveSession
from atsal.serving.live.settings import LiveSettings
from atsal.serving.model_query import ModelQuery
from atsal.serving.problems import Problem
from atsal.serving.warm_process import TwoSteps
from atsal.untrusted.text import plural

if TYPE_CHECKING:
    from atsal.serving.service import Service

LOG = logging.getLogger("atsal.serving")


def make_router(service: "Service") -> APIRouter:
    """Return the route of live frames."""
    router = APIRouter(prefix="/v1", tags=["live"])
    settings, device = service.settings.live, service.settings.device
    sessions: dict[WebSocket, str] = {}  # with the names of their tokens

    @router.websocket("/live")
    async def follow(websocket: WebSocket) -> None:
        """Answer frames with their regions."""
        try:
            caller = await submitter(websocket)
        except Problem as problem:  # handlers of errors answer requests only
            await send_problem(problem, websocket.scope, websocket.receive, websocket.send)
            return
        await websocket.accept()
        sessions[websocket] = caller.name
        try:
            prepare = partial(_prepare, _query(websocket), device)
            _check_place([*sessions.values()], caller.name, settings)
            ending = await LiveSession(websocket, prepare, settings).run()
        except Ending as found:
            ending = found
        except Exception:
            LOG.exception("a live session met an unexpected error")
            ending = Ending(FAULT, "the service has a fault")
        finally:
            sessions.pop(websocket)
        if ending.code != HUNG_UP:
            with suppress(WebSocketDisconnect, RuntimeError):  # the client has hung up meanwhile
                await websocket.close(ending.code, ending.reason)

    return router


def _check_place(names: list[str], name: str, settings: LiveSettings) -> None:
    """Raise `Ending` where there are too many sessions, or too many of this token; the new one is among `names`."""
    if len(names) > settings.most_sessions:
        raise Ending(NO_PLACE, f"there are {settings.most_sessions} sessions already; try again later")
    if name and names.count(name) > settings.most_sessions_of_token:
        most = settings.most_sessions_of_token
        raise Ending(NO_PLACE, f"this token has {plural(most, 'session')} already; end one first")


def _query(websocket: WebSocket) -> ModelQuery:
    """Return what a session asks for. Raises `Ending`."""
    try:
        query = ModelQuery.model_validate(dict(websocket.query_params))
        query.check()
    except ValidationError as error:
        fault = error.errors()[0]
        raise Ending(BAD_OPTIONS, f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}") from error
    except ConfigError as error:
        raise Ending(BAD_OPTIONS, str(error)) from error
    return query


def _prepare(query: ModelQuery, device: str) -> TwoSteps:
    from atsal.serving.live.following import Follower  # noqa: PLC0415 - imports torch, in the process of a session

    follower = Follower(query.model(device), query.stream, query.stereo, query.region_limits())
    return TwoSteps(follower.decode, follower.follow)
