"""The lab's real parts: other people's servers, started on this machine and ended without a trace."""

from failsoft.lab.parts.alertmanager import alertmanager_server
from failsoft.lab.parts.leftovers import reap_leftovers
from failsoft.lab.parts.postgres import database, postgres_server
from failsoft.lab.parts.process import Process, answers_http, free_port, listens
from failsoft.lab.parts.prometheus import prometheus_server
from failsoft.lab.parts.server import Server

__all__ = [
    "Process",
    "Server",
    "alertmanager_server",
    "answers_http",
    "database",
    "free_port",
    "listens",
    "postgres_server",
    "prometheus_server",
    "reap_leftovers",
]
