"""Ask pip-audit for known vulnerabilities of the installed packages: `make audit`.

`python audit.py AUDITOR PACKAGES` runs the program AUDITOR on the folder PACKAGES, the site-packages. It fails for a
vulnerability. Where the advisory database cannot be reached, it says so and does not fail.
"""

import json
import subprocess
import sys
from typing import Any


def main(auditor: str, packages: str) -> str | None:
    """Return what is wrong, None if nothing is."""
    command = [auditor, "--path", packages, "--format", "json", "--progress-spinner", "off", "--timeout", "15"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(f"audit: the advisory database cannot be reached, so nothing was checked ({reason[:300]})")
        return None
    checked = [package for package in found if "vulns" in package]
    if not checked:
        print(f"audit: the advisory database knows none of {len(found)} packages, so nothing was checked")
        return None
    problems = [f"  {_name(package)}: {_advice(problem)}" for package in checked for problem in package["vulns"]]
    print(f"audit: {len(checked)} packages checked, {len(found) - len(checked)} unknown to the database")
    return "\n".join(["known vulnerabilities:", *problems]) if problems else None


def _name(package: dict[str, Any]) -> str:
    return f"{package['name']} {package['version']}"


def _advice(problem: dict[str, Any]) -> str:
    return f"{problem['id']}, mended in {', '.join(problem['fix_versions']) or 'no version yet'}"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
