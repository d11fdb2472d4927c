"""An engine of one's own is a file in the workspace; what does not fit together in it is found at its place."""

import pytest

from failsoft.slo import resolve

OWN = """
kind: Engine
metadata: {name: mine}
spec:
  source: {version: "7", evidence: code}
  identity: {model: model}
  buckets: {first: {bounds: [250, 1000]}}
  families:
    mine_first_token_us: {type: histogram, unit: us, labels: [model], buckets: first}
    mine_requests_total: {type: counter, labels: [model, result]}
    mine_cache_percent: {type: gauge, unit: percent, labels: [model]}
  indicators:
    ttft: {family: mine_first_token_us}
    kvCache: {family: mine_cache_percent}
    availability:
      total: [{family: mine_requests_total, example: {result: ok}}]
      bad:
        failed: {family: mine_requests_total, match: {result: failed}}
        aborted: {family: mine_requests_total, match: {result: aborted}}
      default: [failed]
"""


def test_it_is_read_like_those_that_ship(workspace, run):
    root, loaded, found = workspace(
        "mine",
        {"first": "ttft: {below: 250us}", "cache": "kvCache: {below: 95%}", "ok": "availability: {}"},
        OWN,
        select="model: a",
    )
    assert [finding.code.id for finding in found] == ["FS305"]  # its author read the code
    sli = {name: resolve(loaded, slo)[0].sli for name, slo in loaded.slos.items()}
    assert 'mine_first_token_us_bucket{model="a", le=~"250|250[.]0"}' in sli["first"].bad(60_000)
    assert "> bool 95" in sli["cache"].bad(1000)
    assert 'mine_requests_total{model="a", result="failed"}' in sli["ok"].bad(60_000)
    assert "mine                          unverified" in run("catalog", "list", "-w", root)[1]
    assert run("catalog", "show", "mine")[0] == 2  # not among those that ship


WRONG = {
    "a histogram without bounds": ("buckets: first}", "}", "families"),
    "buckets that are not there": ("buckets: first}", "buckets: second}", "families"),
    "a family that is not there": ("ttft: {family: mine_first_token_us}", "ttft: {family: other}", "ttft"),
    "a gauge where a histogram is needed": (
        "ttft: {family: mine_first_token_us}",
        "ttft: {family: mine_cache_percent}",
        "ttft",
    ),
    "bounds that fall": ("[250, 1000]", "[1000, 250]", "rise"),
    "a default that is no outcome": ("default: [failed]", "default: [lost]", "failed, aborted"),
    "no word about what is bad": ("default: [failed]", "default: []", "either good"),
    "a good request that is bad": ("{result: ok}", "{result: failed}", "failed"),
    "a broken expression": ("match: {result: failed}", 'match: {result: "=~("}', "regular expression"),
    "a name that is none": ("mine_first_token_us:", '"mine first":', "letters"),
    "a list where a mapping is wanted": ("identity: {model: model}", "identity: [model]", "mapping"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_together_is_found(name, workspace):
    old, new, said = WRONG[name]
    assert old in OWN
    _, loaded, found = workspace("mine", {"s": "availability: {}"}, OWN.replace(old, new, 1))
    errors = [finding for finding in found if finding.severity == "error"]
    assert errors
    assert said in " ".join(f"{finding.message} {finding.expected}" for finding in errors)
    assert all(finding.place.path.startswith("slo/") for finding in errors)
    assert "mine" not in loaded.engines


def test_an_indicator_that_would_lose_the_model_is_refused_where_one_server_has_many(workspace):
    lost = OWN.replace("mine_cache_percent: {type: gauge, unit: percent, labels: [model]}", CACHE)
    slos = {"cache": "kvCache: {below: 95%}", "ok": "availability: {}"}
    _, one, _ = workspace("mine", slos, lost, select="job: j, model: a")
    assert resolve(one, one.slos["cache"])[0] is not None  # a job is a server, and a server is a model
    many = lost.replace("  buckets:", "  manyModels: true\n  buckets:", 1)
    _, gateway, _ = workspace("mine", slos, many, select="job: j, model: a")
    objective, (finding,) = resolve(gateway, gateway.slos["cache"])
    assert objective is None
    assert finding.message == "cache would count every model: mine_cache_percent has no label model"
    assert resolve(gateway, gateway.slos["ok"])[0] is not None


CACHE = "mine_cache_percent: {type: gauge, unit: percent, labels: [server]}"


def test_a_file_of_the_same_name_replaces_ours(workspace):
    _, loaded, found = workspace(
        "vllm",
        {"s": "ttft: {below: 250us}"},
        OWN.replace("name: mine", "name: vllm").replace("evidence: code", "evidence: scrape"),
    )
    assert found == ()
    assert "mine_first_token_us" in resolve(loaded, loaded.slos["s"])[0].sli.bad(60_000)
