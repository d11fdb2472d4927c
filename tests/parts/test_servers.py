import json
import urllib.request
from pathlib import Path

import psycopg
import pytest

from failsoft.errors import PermanentError, RefusedError

PROMETHEUS = """\
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
"""
RULES = """\
groups:
  - name: ours
    rules: [{record: answer, expr: vector(%d)}]
"""
ALERTMANAGER = """\
route: {receiver: nobody}
receivers: [{name: nobody}]
"""


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def recorded_expression(server):
    (group,) = get(f"{server.url}/api/v1/rules")["data"]["groups"]
    return group["rules"][0]["query"]


def write_rules(server_config: Path, number: int):
    server_config.parent.mkdir(parents=True, exist_ok=True)
    (server_config.parent / "rules.yml").write_text(RULES % number)


def check_a_prometheus(start, tmp_path, binary, version):
    config = tmp_path / "config" / "prometheus.yml"
    write_rules(config, 1)
    config.write_text(PROMETHEUS)
    server = start(config, binary=binary)
    assert get(f"{server.url}/api/v1/status/buildinfo")["data"]["version"].startswith(version)
    assert recorded_expression(server) == "vector(1)"

    write_rules(config, 2)
    server.reload()
    assert recorded_expression(server) == "vector(2)"

    with pytest.raises(RefusedError, match="nonsense"):
        server.reload("nonsense: true\n")
    assert recorded_expression(server) == "vector(2)"


def test_prometheus_starts_answers_and_reloads(prometheus_server, tmp_path):
    check_a_prometheus(prometheus_server, tmp_path, None, "")


@pytest.mark.newest_prometheus
def test_the_newest_prometheus_starts_answers_and_reloads(prometheus_server, tmp_path, newest_prometheus):
    check_a_prometheus(prometheus_server, tmp_path, newest_prometheus, "3.")


def test_flags_add_to_ours_and_change_them(prometheus_server):
    server = prometheus_server("global: {}\n", flags={"storage.tsdb.retention.time": "2h", "query.timeout": "7s"})
    flags = get(f"{server.url}/api/v1/status/flags")["data"]
    assert (flags["storage.tsdb.retention.time"], flags["query.timeout"]) == ("2h", "7s")
    assert flags["rules.alert.resend-delay"] == "1s"


def test_a_configuration_that_prometheus_refuses_is_told_with_its_own_words(prometheus_server):
    with pytest.raises(PermanentError, match="nonsense"):
        prometheus_server("nonsense: true\n")


def test_alertmanager_starts_answers_and_reloads(alertmanager_server):
    server = alertmanager_server(ALERTMANAGER)
    assert get(f"{server.url}/api/v2/status")["cluster"]["status"] == "disabled"
    server.reload(ALERTMANAGER.replace("nobody", "somebody"))
    assert "somebody" in get(f"{server.url}/api/v2/status")["config"]["original"]


def test_two_servers_of_a_kind_run_side_by_side(alertmanager_server):
    first, second = alertmanager_server(ALERTMANAGER), alertmanager_server(ALERTMANAGER)
    assert first.url != second.url
    assert first.process.alive
    assert second.process.alive


@pytest.mark.parametrize("turn", ["first", "second"])
def test_each_test_gets_an_empty_postgresql_database(postgres_url, turn):
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
        connection.execute("CREATE TABLE evidence ()")


def test_promtool_and_amtool_run(promtool, amtool):
    assert promtool.name == "promtool"
    assert amtool.name == "amtool"
