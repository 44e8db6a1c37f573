"""What proves a statement elsewhere has the configuration, and not its secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.config import load, load_without_secrets, to_terms
from monitor.errors import ConfigError


def test_a_statement_is_proved_without_the_secrets_of_its_configuration(tmp_path: Path) -> None:
    path = tmp_path / "minutebook.yaml"
    path.write_text(
        "services: [{name: app, checks: [{name: web, http: {url: 'https://app.example.com/', "
        "headers: {Authorization: {from_file: nowhere}}}}]}]",
        encoding="utf-8",
    )
    with pytest.raises(ConfigError, match="cannot read the secret file"):
        load(path, {})
    assert to_terms(load_without_secrets(path)).services[0].name == "app"
