"""How many photos a second `atsal serve` predicts, how long each takes, and how many frames a live session answers.

    python benchmarks/serving.py [--clients 50] [--seconds 20] [--size 2048] [--service http://127.0.0.1:8000]

Without --service it starts one of its own in a temporary folder. `ATSAL_TOKEN` is sent as the token. The load of the
machine is printed, because the figures depend on it.
"""

import argparse
import asyncio
import io
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import httpx
import numpy as np
from PIL import Image
from websockets.asyncio.client import connect

from atsal.video.synthetic_scene import Scene

WARM_UP, ALONE = 6, 20  # photos


def make_photo(width: int) -> bytes:
    """Draw a scene with some noise, so that it has the size of a camera's photo."""
    picture = Scene(seed=7).render(width // 2, 0.0).astype(np.int16)
    noise = np.random.default_rng(0).normal(0, 4, picture.shape)
    buffer = io.BytesIO()
    Image.fromarray((picture + noise).clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


@contextmanager
def own_service() -> Iterator[tuple[str, int | None]]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "atsal", "serve", "--data", folder, "--port", "0", "--requests", "1000000"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            try:
                lines = (re.search(r"listens at (\S+)/", line) for line in process.stderr)
                address = next(found[1] for found in lines if found)
                threading.Thread(target=process.stderr.read, daemon=True).start()  # the log
                yield address, process.pid
            finally:
                process.terminate()


async def send(client: httpx.AsyncClient, photo: bytes, seconds: list[float], answers: Counter[int | str]) -> None:
    started_s = time.perf_counter()
    try:
        answer = await client.post("/v1/images", content=photo, headers={"Content-Type": "image/jpeg"})
        answers[answer.status_code] += 1
    except httpx.HTTPError as error:
        answers[type(error).__name__] += 1
    seconds.append(time.perf_counter() - started_s)


async def measure(
    address: str, headers: dict[str, str], photo: bytes, clients: int, lasts_s: float, pid: int | None
) -> None:
    limits = httpx.Limits(max_connections=clients)
    answers: Counter[int | str] = Counter()
    async with httpx.AsyncClient(base_url=address, headers=headers, limits=limits, timeout=120) as client:
        await asyncio.gather(*(send(client, photo, [], Counter()) for _ in range(WARM_UP)))
        alone: list[float] = []
        for _ in range(ALONE):
            await send(client, photo, alone, answers)
        seconds: list[float] = []
        cpu_s = 0.0 if pid is None else cpu_seconds(pid)
        started_s = time.perf_counter()

        async def go_on() -> None:
            while time.perf_counter() - started_s < lasts_s:
                await send(client, photo, seconds, answers)

        await asyncio.gather(*(go_on() for _ in range(clients)))
        took_s = time.perf_counter() - started_s
    p50, p95 = (1000 * float(np.percentile(seconds, q)) for q in (50, 95))
    one = 1000 * float(np.median(alone))
    print(f"{clients} clients: {len(seconds) / took_s:.1f} photos/s, p50 {p50:.0f} ms, p95 {p95:.0f} ms; ", end="")
    errors = {status: count for status, count in answers.items() if status != 200}
    print(f"one client: {one:.0f} ms; errors: {errors or 'none'}; ", end="")
    if pid is not None:
        print(f"CPU of the service: {1000 * (cpu_seconds(pid) - cpu_s) / len(seconds):.0f} ms a photo", end="")
    print()


def cpu_seconds(pid: int) -> float:
    """Return how long a process and its children have computed (Linux)."""
    children = [
        child for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    stats = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in (pid, *children)]
    return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")


async def measure_live(
    address: str, headers: dict[str, str], width: int, rate: float, lasts_s: float, pid: int | None
) -> None:
    """Send frames at a rate, as a camera does, and count the answers."""
    frame, times = make_photo(width), []
    where = f"{address.replace('http', 'ws', 1)}/v1/live"
    async with connect(where, additional_headers=headers, compression=None) as socket:
        await socket.send(struct.pack(">d", 0.0) + frame)
        await socket.recv()
        cpu_s = 0.0 if pid is None else cpu_seconds(pid)
        started_s = time.perf_counter()

        async def receive() -> None:
            while True:
                answer = json.loads(await socket.recv())
                times.append(time.perf_counter() - started_s - answer["seconds"])

        receiving = asyncio.ensure_future(receive())
        sent = 0
        while (now_s := time.perf_counter() - started_s) < lasts_s:
            sent += 1
            await socket.send(struct.pack(">d", now_s + 1e-6) + frame)
            await asyncio.sleep(max(0.0, sent / rate - (time.perf_counter() - started_s)))
        receiving.cancel()
        cpu_s = 0.0 if pid is None else cpu_seconds(pid) - cpu_s
    print(
        f"live, {width}x{width // 2} at {sent / lasts_s:.1f} frames/s: {len(times) / lasts_s:.1f} answers/s, ", end=""
    )
    p50, p95 = (1000 * float(np.percentile(times or [np.nan], q)) for q in (50, 95))
    print(f"p50 {p50:.0f} ms, p95 {p95:.0f} ms after the frame was sent", end="")
    print("" if pid is None else f"; CPU of the service: {1000 * cpu_s / max(1, len(times)):.0f} ms an answer")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--size", type=int, nargs="*", default=[2048, 4096], help="Widths of photos.")
    parser.add_argument("--live-size", type=int, nargs="*", default=[1920, 960], help="Widths of live frames.")
    parser.add_argument("--live-rate", type=float, default=30.0, help="Live frames a second.")
    parser.add_argument("--service", help="Address of a service that runs.")
    chosen = parser.parse_args()
    token = os.environ.get("ATSAL_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with own_service() if chosen.service is None else nullcontext((chosen.service, None)) as (address, pid):
        print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        for width in chosen.size:
            photo = make_photo(width)
            print(f"{width}x{width // 2}, {len(photo) / 1e3:.0f} kB: ", end="", flush=True)
            asyncio.run(measure(address, headers, photo, chosen.clients, chosen.seconds, pid))
        for width in chosen.live_size:
            asyncio.run(measure_live(address, headers, width, chosen.live_rate, chosen.seconds, pid))
        print(f"load after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
