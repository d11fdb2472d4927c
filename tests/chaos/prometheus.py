"""A Prometheus over a real socket that answers what a test makes the service look like."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

type Answer = list[tuple[dict[str, str], float]]


@dataclass
class FakePrometheus:
    """Each attribute is what one kind of question is answered with, as a function of the time asked about.

    None is no data; `status` other than 200 breaks every answer, `hangs` lets it wait.
    """

    ratio: Callable[[str, float], float | None] = lambda slo, at: 0.0
    remaining: Callable[[str, float], float | None] = lambda slo, at: 0.9
    spent: Callable[[str, float], float | None] = lambda slo, at: 0.01
    alerts: Callable[[float], list[dict[str, str]]] = lambda at: []
    up: Callable[[float], bool] = lambda at: True
    status: int = 200
    asked: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                fake._answer(self, url.path, {key: values[0] for key, values in parse_qs(url.query).items()})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                fake._answer(self, urlsplit(self.path).path, {k: v[0] for k, v in parse_qs(body).items()})

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def _answer(self, handler: BaseHTTPRequestHandler, path: str, params: dict[str, str]) -> None:
        import time

        expression = params.get("query", "")
        self.asked.append(expression)
        if self.status != 200:
            body: Any = {"status": "error", "errorType": "internal", "error": "broken on purpose"}
        elif path.endswith("/query_range"):
            body = self._range(expression, float(params["start"]), float(params["end"]), float(params["step"]))
        else:
            at = float(params.get("time", time.time()))
            result = [{"metric": m, "value": [at, str(v)]} for m, v in self._evaluate(expression, at)]
            body = {"status": "success", "data": {"resultType": "vector", "result": result}}
        raw = json.dumps(body).encode()
        handler.send_response(self.status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(raw)))
        handler.end_headers()
        handler.wfile.write(raw)

    def _range(self, expression: str, start: float, end: float, step: float) -> Any:
        series: dict[str, Any] = {}
        at = start
        while at <= end:
            for metric, value in self._evaluate(expression, at):
                key = json.dumps(metric, sort_keys=True)
                series.setdefault(key, {"metric": metric, "values": []})["values"].append([at, str(value)])
            at += step
        return {"status": "success", "data": {"resultType": "matrix", "result": list(series.values())}}

    def _evaluate(self, expression: str, at: float) -> Answer:
        if expression.startswith("ALERTS"):
            found = [labels | {"alertstate": "firing"} for labels in self.alerts(at)]
            if 'severity="page"' in expression:
                found = [labels for labels in found if labels.get("severity") == "page"]
            return [({"__name__": "ALERTS"} | labels, 1.0) for labels in found]
        if expression.startswith("count(count_over_time(up"):
            return [({}, 1.0)] if self.up(at) else []
        slo = "chat-ttft" if "time_to_first_token" in expression or "chat-ttft" in expression else "chat-availability"
        if "budget_remaining" in expression:
            value = self.remaining(slo, at)
        elif "slo_events_total" in expression:
            value = self.spent(slo, at)
        else:
            value = self.ratio(slo, at)
        return [] if value is None else [({}, value)]
