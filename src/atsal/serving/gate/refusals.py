"""The problems of requests that do not come in."""

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from atsal.serving.problems import Problem, ProblemType, problem_response

MALFORMED = ProblemType("malformed-request", 400, "The request is not well formed")
NO_TOKEN = ProblemType("no-token", 401, "A valid token is needed")
NOT_ALLOWED = ProblemType("not-allowed", 403, "This is not allowed")
TOO_SLOW = ProblemType("too-slow", 408, "The request came too slowly")
TOO_LARGE = ProblemType("too-large", 413, "The request is too large")
HEAD_TOO_LARGE = ProblemType("head-too-large", 431, "The head of the request is too large")
QUOTA = ProblemType("quota", 413, "The files of this token are too many or too large")
WRONG_TYPE = ProblemType("wrong-type", 415, "The content has a type that is not taken here")
TOO_MANY = ProblemType("too-many-requests", 429, "There were too many requests")


async def send_problem(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request, or the opening of a WebSocket, with a problem."""
    if scope["type"] == "websocket" and "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008, "reason": problem.kind.title})
        return
    await problem_response(Request({**scope, "type": "http"}), problem)(scope, receive, send)
