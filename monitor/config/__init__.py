"""Configuration: read once, decoded strictly into frozen types, every mistake with its place (design rule 8)."""

from __future__ import annotations

from monitor.config.compare import Changes, compare
from monitor.config.kinds import Canary, Check, Source
from monitor.config.load import Checked, check, load, load_with_places, load_without_secrets, parse
from monitor.config.model import Config, Service
from monitor.config.promised import Binding, Promised, binding
from monitor.config.schema import schema
from monitor.config.terms import WrittenTerms, customers_of, terms_json, terms_of, to_terms, written_terms
from monitor.config.urls import for_urls

__all__ = [
    "Binding",
    "Canary",
    "Changes",
    "Check",
    "Checked",
    "Config",
    "Promised",
    "Service",
    "Source",
    "WrittenTerms",
    "binding",
    "check",
    "compare",
    "customers_of",
    "for_urls",
    "load",
    "load_with_places",
    "load_without_secrets",
    "parse",
    "schema",
    "terms_json",
    "terms_of",
    "to_terms",
    "written_terms",
]
