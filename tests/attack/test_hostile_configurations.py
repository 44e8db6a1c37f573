"""Configurations that were made to stop the daemon, or that hold what they should not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from monitor.config import load, parse
from monitor.config.urls import for_urls
from monitor.errors import ConfigError

PLAIN = "services: [{name: app, checks: [{name: web, tcp: {host: app.example.com, port: 443}}]}]\n"


def test_a_pipe_as_configuration_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    """A reload that met one never ended, nor did the daemon."""
    os.mkfifo(tmp_path / "minutebook.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a pipe"):
        load(tmp_path / "minutebook.yaml", {})


def test_a_pipe_as_a_secret_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "dsn")
    with pytest.raises(ConfigError, match=r"sentry\.dsn: cannot read the secret file .*dsn: Is a pipe"):
        parse(PLAIN + "sentry: {dsn: {from_file: dsn}}\n", "minutebook.yaml", tmp_path, {})


def test_a_command_line_refused_shows_no_password() -> None:
    url = "http://admin:hunter2@app.example.com/"
    with pytest.raises(ConfigError, match="this URL is given twice") as refused:
        for_urls([url, url])
    assert "hunter2" not in str(refused.value)
