"""`atsal serve` in a process of its own, and nginx before it."""

import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

NGINX = Path(__file__).parents[2] / "deploy" / "nginx" / "atsal.conf"


@contextmanager
def atsal_serve(folder, *options):
    """Run the command; give its address."""
    command = [sys.executable, "-m", "atsal", "serve", "--data", str(folder), "--port", "0", *options]
    with listening(command) as address:
        yield address


@contextmanager
def listening(command, **options):
    """Run a program that logs where it listens; give the address."""
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **options) as process:
        address = next((found[1] for line in process.stderr if (found := re.search(r"listens at (\S+)", line))), None)
        try:
            assert address, f"{command} ended with {process.wait()}"
            yield address
        finally:
            process.terminate()
            process.stderr.read()


@contextmanager
def nginx_before(address, folder):
    """Run nginx with the configuration in deploy/, but for TLS and the ports; give its address."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if program is None:
        pytest.skip("nginx was not found; Debian's is `apt-get install nginx-light`")
    port = _free_port()
    site = NGINX.read_text(encoding="utf-8").replace("127.0.0.1:8000", address.removeprefix("http://").rstrip("/"))
    site = re.sub(r"^ *(ssl_|listen \[).*\n", "", site, flags=re.MULTILINE)
    site = re.sub(r"listen 443 .*;", f"listen 127.0.0.1:{port};", site)
    paths = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; pid {folder}/pid; error_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{paths}{site}}}\n"
    )
    command = [program, "-c", str(config), "-p", str(folder), "-e", str(folder / "error.log")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            _wait_for(port, process)
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.stderr.read()


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def _wait_for(port, process):
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("nginx does not listen")
