"""`atsal token`, and the options of `atsal serve` about who may come in."""

import pytest
from click.testing import CliRunner

from atsal.cli import main


def _run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_a_token_is_made_listed_without_its_secret_and_revoked(tmp_path):
    data = ("--data", tmp_path / "service")
    added = _run("token", "add", "anna", *data, "--scope", "read", "--expires", 2)
    secret = added.output.strip()
    assert added.exit_code == 0
    assert secret.startswith("atsal_")
    listed = _run("token", "list", *data).output
    assert "anna" in listed
    assert "read" in listed
    assert secret[:15] in listed
    assert secret[15:] not in listed
    assert _run("token", "revoke", "anna", *data).exit_code == 0
    assert "There are no tokens" in _run("token", "list", *data).output


@pytest.mark.parametrize("arguments", [("list",), ("revoke", "anna")])
def test_a_folder_that_is_misspelt_is_not_made(tmp_path, arguments):
    found = _run("token", *arguments, "--data", tmp_path / "servise")
    assert (found.exit_code, "there is no service in this folder; check the path" in found.output) == (1, True)
    assert list(tmp_path.iterdir()) == []


def test_a_token_that_has_expired_is_listed_as_such(tmp_path):
    data = ("--data", tmp_path / "service")
    _run("token", "add", "anna", *data, "--expires", 1e-9)
    _run("token", "add", "ben", *data, "--expires", 1)
    lines = _run("token", "list", *data).output.splitlines()
    assert [" (expired)" in line for line in lines if "atsal_" in line] == [True, False]


def test_a_name_is_taken_once_and_only_a_token_that_exists_is_revoked(tmp_path):
    data = ("--data", tmp_path / "service")
    assert _run("token", "add", "anna", *data).exit_code == 0
    again = _run("token", "add", "anna", *data)
    assert (again.exit_code, "there is a token of this name" in again.output) == (1, True)
    assert _run("token", "revoke", "ben", *data).exit_code == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--host", "0.0.0.0"), "each request has to show a token"),
        (("--cors", "*"), "is no origin of pages"),
        (("--cors", "https://a.example/"), "is no origin of pages"),
        (("--trust-proxy", "*"), "is no address"),
        (("--allow-url", "https://a.example"), "is no beginning of URLs"),
        (("--root", "films"), "expected NAME=FOLDER"),
        (("--root", "films=/no/such/folder"), "expected NAME=FOLDER"),
    ],
)
def test_a_service_that_would_be_open_in_a_wrong_way_does_not_start(tmp_path, options, message):
    found = _run("serve", "--data", tmp_path / "service", "--port", 0, *options)
    assert found.exit_code == 1
    assert message in found.output
