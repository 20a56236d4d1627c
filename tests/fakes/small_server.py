"""`python -m fakes.small_server FOLDER`: the service with the small kind, as a process of its own."""

import logging
import sys
from dataclasses import replace
from pathlib import Path

from atsal.serving.dispatcher import Dispatcher
from atsal.serving.server import run_server
from atsal.serving.service import open_service
from atsal.serving.settings import Settings
from fakes.small_kinds import COUNT, no_torch


def main(folder):
    """Serve until a signal."""
    logging.basicConfig(level=logging.INFO)
    service = open_service(Settings(Path(folder), port=0, workers=2, least_free_bytes=0), COUNT)
    parts = (service.jobs, service.data, COUNT, service.settings, service.clock, service.metrics)
    run_server(replace(service, dispatcher=Dispatcher(*parts, prepare=no_torch)))


if __name__ == "__main__":
    main(sys.argv[1])
