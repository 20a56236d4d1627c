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
def test_readme_shows_every_command(pytestconfig, command):
    readme = (pytestconfig.rootpath / "README.md").read_text(encoding="utf-8")
    assert f"atsal {command}" in readme, f"`atsal {command}` is in no line of README.md"


def test_links_lead_somewhere(pytestconfig):
    root = pytestconfig.rootpath
    broken = []
    for document in [*root.glob("*.md"), *root.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#]+)", document.read_text(encoding="utf-8")):
            if "://" not in target and not (document.parent / target).exists():
                broken.append(f"{document.relative_to(root)}: {target}")
    assert not broken


def test_help_needs_no_torch():
    """`atsal --help` answers at once: nothing heavy is imported for it."""
    import subprocess
    import sys

    code = "import sys; from atsal.cli import main; sys.exit('torch' in sys.modules or 'av' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_placeholder_is_left(pytestconfig):
    root = pytestconfig.rootpath
    documents = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("benchmarks/*.md")]
    assert not [str(d) for d in documents if "@@" in d.read_text(encoding="utf-8")]
