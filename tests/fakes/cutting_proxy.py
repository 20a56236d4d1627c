"""A proxy that cuts its connections: after so many bytes of a request, or of an answer."""

import socket
import threading
from contextlib import contextmanager, suppress


class CuttingProxy:
    """Passes connections on to a port of this machine. `cuts` has the sizes after which the next ones are cut."""

    def __init__(self, port):
        self.port = port
        self.cuts = []  # (of the request, of the answer) in bytes, the next connection first; then there is no limit
        self.made = 0  # connections
        self._threads = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def run(self):
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self.made += 1
                limits = self.cuts.pop(0) if self.cuts else (1 << 60, 1 << 60)
                self._threads.append(threading.Thread(target=self._serve, args=(near, limits)))
                self._threads[-1].start()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def join(self):
        for thread in self._threads:
            thread.join()

    def _serve(self, near, limits):
        with near, socket.create_connection(("127.0.0.1", self.port)) as far:
            back = threading.Thread(target=_pass_on, args=(far, near, limits[1]))
            back.start()
            _pass_on(near, far, limits[0])
            back.join()


def _pass_on(source, target, limit):
    with suppress(OSError):
        while limit > 0 and (part := source.recv(min(65536, limit))):
            target.sendall(part)
            limit -= len(part)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def cutting_proxy(port):
    proxy = CuttingProxy(port)
    thread = threading.Thread(target=proxy.run, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()
        proxy.join()
