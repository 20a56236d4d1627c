"""The problems of requests that do not come in."""

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from atsal.serving.problems import Problem, problem_response


async def send_problem(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, or the opening of a WebSocket, with a problem."""
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": problem.kind.title})
        return
    await problem_response(Request({**scope, "type": "http"}), problem)(scope, receive, send)
