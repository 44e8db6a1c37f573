"""Grafana dashboards as data: *Budget*, *Service*, *Web Vitals*, *Sources and monitor*. Pure.

Each query is bound to the month that runs where its series have a `month` (contracts/interface.md, "Metrics").
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from exporters.grafana.budget import BUDGET
from exporters.grafana.monitor import MONITOR
from exporters.grafana.service import SERVICE
from exporters.grafana.vitals import VITALS

BOARDS = (BUDGET, SERVICE, VITALS, MONITOR)


def dashboards(zone: str) -> Mapping[str, str]:
    """The JSON of each dashboard by the name of its file. `zone`: the IANA zone that the months are counted in."""
    return {
        f"{board.name}.json": json.dumps(board.piece(zone), ensure_ascii=False, indent=2) + "\n" for board in BOARDS
    }
