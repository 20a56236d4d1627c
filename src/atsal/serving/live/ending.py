"""How a session ends: the code and the reason with which the server closes the WebSocket."""

_MOST_BYTES = 123  # of a reason, by the protocol


class Ending(Exception):  # noqa: N818 - it is no error, and not an error's word
    """Ends a session."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:_MOST_BYTES].decode(errors="ignore")


HUNG_UP = 1000  # by the client; nothing is sent
NO_TEXT = 1003
TOO_LARGE = 1009
FAULT = 1011  # the process of the session ended, or the program has a fault
STOPS = 1012  # sent by uvicorn when the service stops
BAD_OPTIONS = 4400
IDLE = 4408
NO_PLACE = 4429
