"""The documents name what exists."""

import re

import click
import pytest

from atsal.cli import main


def commands(group, prefix=""):
    for name, command in group.commands.items():
        yield f"{prefix}{name}"
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix}{name} ")


@pytest.mark.parametrize("command", sorted(commands(main)))
def test_the_documents_show_every_command(pytestconfig, command):
    page = (pytestconfig.rootpath / "docs" / "command-line.md").read_text(encoding="utf-8")
    assert f"atsal {command}" in page, f"`atsal {command}` is in no line of docs/command-line.md"


@pytest.mark.parametrize("document", ["CONTRIBUTING.md", "docs/pipeline.md"])
def test_the_modules_that_documents_name_exist(pytestconfig, document):
    root = pytestconfig.rootpath
    named = re.findall(r"`((?:[a-z_]+/)*[a-z_0-9]+\.py)`", (root / document).read_text(encoding="utf-8"))
    known = {str(file.relative_to(root)) for folder in ("src", "tests") for file in (root / folder).rglob("*.py")}
    assert not [name for name in named if not any(f"/{file}".endswith(f"/{name}") for file in known)]


def test_links_lead_somewhere(pytestconfig):
    root = pytestconfig.rootpath
    broken = []
    for document in [*root.glob("*.md"), *root.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#]+)", document.read_text(encoding="utf-8")):
            if "://" not in target and not (document.parent / target).exists():
                broken.append(f"{document.relative_to(root)}: {target}")
    assert not broken


def test_help_needs_no_torch():
    """The help of every command answers at once: nothing heavy is imported for it."""
    import subprocess
    import sys

    code = """
import sys
from click.testing import CliRunner
from atsal.cli import main

def check(command, path):
    assert CliRunner().invoke(main, [*path, "--help"]).exit_code == 0, path
    assert not {"torch", "av"} & sys.modules.keys(), path
    for name, part in getattr(command, "commands", {}).items():
        check(part, [*path, name])

check(main, [])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_placeholder_is_left(pytestconfig):
    root = pytestconfig.rootpath
    documents = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("benchmarks/*.md")]
    assert not [str(d) for d in documents if "@@" in d.read_text(encoding="utf-8")]
