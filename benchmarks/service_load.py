"""Two tokens load `atsal serve` at once: photos of 50 clients, and 8 video jobs that are replaced when they end.

    python benchmarks/service_load.py [--minutes 10] [--photo-clients 50] [--jobs 8] [--video-seconds 10]

Each token has half of the clients and of the jobs. Prints the errors, what each token got, the time of photos and jobs,
and the most memory that the service and its processes had (Linux). The load of the machine is printed, because the
figures depend on it.
"""

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from atsal.client import AsyncClient, ServiceError
from atsal.video.synthetic_scene import Scene, render_video

NAMES = ("first", "second")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Found:
    """What came back, by the name of the token."""

    def __init__(self) -> None:
        self.seconds: dict[tuple[str, str], list[float]] = defaultdict(list)  # of "photo" and "job"
        self.errors: Counter[str] = Counter()
        self.most_bytes = 0

    @contextmanager
    def one(self, what: str, name: str) -> Iterator[None]:
        started_s = time.perf_counter()
        try:
            yield
        except ServiceError as error:
            self.errors[f"{what}: {error}"[:120]] += 1
        else:
            self.seconds[what, name].append(time.perf_counter() - started_s)


@contextmanager
def service(folder: Path) -> Iterator[tuple[str, dict[str, str], int]]:
    """Run a service with two tokens; give its address, the tokens and its process."""
    atsal = [sys.executable, "-m", "atsal"]
    tokens = {
        name: subprocess.run(
            [*atsal, "token", "add", name, "--data", str(folder)], capture_output=True, text=True, check=True
        ).stdout.strip()
        for name in NAMES
    }
    command = [*atsal, "serve", "--data", str(folder), "--port", "0", "--requests", "1000000"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        address = next(found[1] for line in process.stderr if (found := re.search(r"listens at (\S+)", line)))
        threading.Thread(target=process.stderr.read, daemon=True).start()  # the log
        try:
            yield address, tokens, process.pid
        finally:
            process.terminate()


async def load(address: str, tokens: dict[str, str], pid: int, sources: Path, chosen: argparse.Namespace) -> Found:
    found, end_s = Found(), time.perf_counter() + 60 * chosen.minutes

    async def photos(client: AsyncClient, name: str) -> None:
        while time.perf_counter() < end_s:
            with found.one("photo", name):
                await client.image(sources / "photo.jpg", output="png")

    async def jobs(client: AsyncClient, name: str, source: dict[str, str]) -> None:
        while time.perf_counter() < end_s:
            with found.one("job", name):
                job = await client.submit("predict", source, format=["npy"])
                await client.wait(job)
                await client.delete(job)

    async def watch_memory() -> None:
        while time.perf_counter() < end_s:
            found.most_bytes = max(found.most_bytes, sum(map(resident_bytes, family(pid))))
            await asyncio.sleep(1)

    clients = {name: AsyncClient(address, token, timeout_s=600) for name, token in tokens.items()}
    try:
        work = [watch_memory()]
        for name, client in clients.items():
            source = await client.upload(sources / "scene.mp4")
            work += [photos(client, name) for _ in range(chosen.photo_clients // 2)]
            work += [jobs(client, name, source) for _ in range(chosen.jobs // 2)]
        await asyncio.gather(*work)
    finally:
        for client in clients.values():
            await client.close()
    return found


def family(pid: int) -> list[int]:
    """Return a process and all below it (Linux)."""
    found = [pid]
    for one in found:
        try:
            children = Path(f"/proc/{one}/task").glob("*/children")
            found += [int(child) for path in children for child in path.read_text().split()]
        except OSError:  # it has ended
            continue
    return found


def resident_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    except OSError:
        return 0


def report(found: Found, minutes: float) -> None:
    for (what, name), seconds in sorted(found.seconds.items()):
        p50, p95 = np.percentile(seconds, [50, 95])
        rate = len(seconds) / minutes
        print(f"{what}s of {name}: {len(seconds)} ({rate:.1f} a minute), p50 {p50:.2f} s, p95 {p95:.2f} s")
    print(f"errors: {dict(found.errors) or 'none'}")
    print(f"memory of the service and its processes: {found.most_bytes / 1e9:.2f} GB at most")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--photo-clients", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--video-seconds", type=float, default=10.0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        Image.fromarray(Scene(seed=7).render(1024, 0.0)).save(folder / "photo.jpg", quality=88)
        render_video(folder / "scene.mp4", seconds=chosen.video_seconds, frame_rate=15, erp_height=480, seed=7)
        with service(folder / "data") as (address, tokens, pid):
            print(f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
            found = asyncio.run(load(address, tokens, pid, folder, chosen))
            print(f"load after: {os.getloadavg()[0]:.1f}")
    report(found, chosen.minutes)


if __name__ == "__main__":
    main()
