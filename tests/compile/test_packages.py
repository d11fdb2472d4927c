"""The forms that others take: the same rules as the operator's objects, in Mimir's namespaces, for Kustomize."""

import re
import shutil

import jsonschema
import pytest
import yaml

from failsoft.alerts import packages
from failsoft.alerts.packages import packaged
from failsoft.clients.binaries import run_tool
from failsoft.workspace.kinds.configuration import OutputAt

SLO = """
kind: SLO
metadata: {name: NAME}
spec: {model: MODEL, indicator: {ttft: {below: 500ms}}, objective: 99%}
"""
LONG = "a" + 61 * "-" + "z"
LONG_MODEL = f"""
kind: Model
metadata: {{name: {LONG}}}
spec: {{engine: vllm, select: {{job: other}}, owner: assistants}}
"""
_DURATION = "^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$"
_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
# What the operator's CustomResourceDefinition (v0.82) takes, and nothing beyond it: the API server prunes other keys.
RULE = {
    "type": "object",
    "required": ["expr"],
    "additionalProperties": False,
    "properties": {
        "record": {"type": "string"},
        "alert": {"type": "string"},
        "expr": {"type": "string"},
        "for": {"type": "string", "pattern": _DURATION},
        "keep_firing_for": {"type": "string", "pattern": _DURATION, "minLength": 1},
        "labels": _TEXTS,
        "annotations": _TEXTS,
    },
    "oneOf": [{"required": ["record"]}, {"required": ["alert"]}],
}
GROUP = {
    "type": "object",
    "required": ["name", "rules"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "interval": {"type": "string", "pattern": _DURATION},
        "rules": {"type": "array", "items": RULE, "maxItems": 20},
    },
}
OBJECT = {
    "type": "object",
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "additionalProperties": False,
    "properties": {
        "apiVersion": {"const": "monitoring.coreos.com/v1"},
        "kind": {"const": "PrometheusRule"},
        "metadata": {"type": "object"},
        "spec": {"type": "object", "properties": {"groups": {"type": "array", "items": GROUP}}},
    },
}


@pytest.fixture
def files(written):
    """What three SLOs of two models compile to."""
    slos = [
        SLO.replace("NAME", name).replace("MODEL", model) for name, model in [("a", "chat"), ("b", "chat"), ("c", LONG)]
    ]
    return dict(written(LONG_MODEL, *slos).compiled(tests=True)[0].files)


def form(name, **more):
    return OutputAt.model_validate({"format": name} | more)


def rules(files):
    return {path: yaml.safe_load(text) for path, text in files.items() if path.startswith("rules/")}


def test_an_object_holds_what_the_rule_file_holds_and_the_operator_takes_it(files):
    plain = rules(files)
    made = packaged(files, form("prometheusrule", namespace="monitoring", labels={"release": "kps"}))
    assert not [path for path in made if path.startswith("tests/")]  # promtool reads plain rule files only
    assert {path: text for path, text in made.items() if path not in plain} == {
        path: text for path, text in files.items() if not path.startswith(("rules/", "tests/"))
    }
    for path, shown in rules(made).items():
        jsonschema.validate(shown, OBJECT)
        assert shown["spec"]["groups"] == plain[path]["groups"]
        assert shown["metadata"]["namespace"] == "monitoring"
        assert shown["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "failsoft", "release": "kps"}


def test_names_are_valid_for_kubernetes_and_no_two_are_alike(files):
    names = [one["metadata"]["name"] for one in rules(packaged(files, form("prometheusrule"))).values()]
    assert sorted(names) == ["failsoft", f"failsoft-{LONG}", "failsoft-chat", "failsoft.models"]
    for name in names:
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?", name)
        assert len(name) <= 253


def test_a_namespace_of_mimir_for_each_model(files):
    plain = rules(files)
    made = rules(packaged(files, form("mimir")))
    assert {one["namespace"] for one in made.values()} == {
        "failsoft",
        f"failsoft-{LONG}",
        "failsoft-chat",
        "failsoft.models",
    }
    for path, shown in made.items():
        assert set(shown) == {"namespace", "groups"}  # Mimir's tool refuses a file with any other key
        assert shown["groups"] == plain[path]["groups"]
        assert all(len(group["rules"]) <= 20 for group in shown["groups"])


def test_objects_stay_below_what_the_operator_takes_and_lose_no_group(files, monkeypatch):
    monkeypatch.setattr(packages, "LARGEST_OBJECT", 4000)
    made = packaged(files, form("prometheusrule"))
    shown = rules(made)
    parts = ["rules/chat.yaml", *sorted(path for path in shown if path.startswith("rules/chat-"))]
    assert len(parts) > 1
    groups = [group for path in parts for group in shown[path]["spec"]["groups"]]
    assert groups == rules(files)["rules/chat.yaml"]["groups"]
    names = [one["metadata"]["name"] for one in shown.values()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", ["rules", "prometheusrule", "mimir", "kustomize"])
def test_the_same_workspace_gives_the_same_bytes(files, name):
    settings = form(name, labels={"b": "1", "a": "2"})
    assert packaged(files, settings) == packaged(dict(reversed(files.items())), settings)
    for path, text in packaged(files, settings).items():
        assert path.endswith(".json") or text.startswith("# Written by failsoft compile from ")
        assert text.endswith("\n")


def test_kustomize_builds_the_folder(files, tmp_path):
    made = packaged(files, form("kustomize", namespace="monitoring", alertmanagerSecret="alertmanager-main"))
    listed = yaml.safe_load(made["kustomization.yaml"])
    assert listed["resources"] == sorted(path for path in made if path.startswith("rules/"))
    assert listed["namespace"] == "monitoring"
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not on PATH")
    for path, text in made.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    built = run_tool([kubectl, "kustomize", "."], cwd=tmp_path)
    assert built.ok, built.stderr
    objects = list(yaml.safe_load_all(built.stdout))
    assert {(one["kind"], one["metadata"]["name"], one["metadata"]["namespace"]) for one in objects} == {
        ("PrometheusRule", "failsoft", "monitoring"),
        ("PrometheusRule", "failsoft-chat", "monitoring"),
        ("PrometheusRule", "failsoft.models", "monitoring"),
        ("PrometheusRule", f"failsoft-{LONG}", "monitoring"),
        ("Secret", "alertmanager-main", "monitoring"),
        ("ConfigMap", "failsoft-dashboards", "monitoring"),
    }
    (dashboards,) = [one for one in objects if one["kind"] == "ConfigMap"]
    assert dashboards["metadata"]["labels"] == {"grafana_dashboard": "1"}
    assert len(dashboards["data"]) == sum(path.startswith("dashboards/") for path in made)


# --- the command


@pytest.fixture
def root(written):
    return written(SLO.replace("NAME", "a").replace("MODEL", "chat")).root


def test_check_passes_right_after_compiling_and_fails_when_a_document_changes(run, root):
    out = root / "out"
    assert run("compile", root, "-o", out, "--no-tests")[0] == 0
    code, said, _ = run("compile", root, "-o", out, "--no-tests", "--check")
    made = sum(path.is_file() for path in out.rglob("*")) - 1  # the manifest apart
    assert (code, said) == (0, f"{out}: all {made} files are up to date (1 warning)\n")
    (root / "slo" / "0.yaml").write_text(SLO.replace("NAME", "a").replace("MODEL", "chat").replace("99%", "99.5%"))
    before = (out / "rules" / "chat.yaml").read_bytes()
    code, _, err = run("compile", root, "-o", out, "--no-tests", "--check")
    assert code == 1
    assert f"{out}/rules/chat.yaml: error[FS451] rules/chat.yaml is out of date" in err
    assert "alertmanager.yaml" not in err
    assert (out / "rules" / "chat.yaml").read_bytes() == before


def test_folder_form_and_labels_may_stand_in_the_workspace(run, root):
    text = (root / "failsoft.yaml").read_text()
    settings = "output: {folder: made, format: kustomize, namespace: prod, labels: {release: kps}}"
    (root / "failsoft.yaml").write_text(text.replace("spec:\n", f"spec:\n  {settings}\n", 1))
    assert run("compile", root)[0] == 0
    assert (root / "made" / "kustomization.yaml").exists()
    assert '    "release": "kps"\n' in (root / "made" / "rules" / "chat.yaml").read_text()
    assert run("compile", root, "--check")[0] == 0
    # another form in the same folder leaves nothing of the first one behind
    code, said, _ = run("compile", root, "--format", "rules")
    assert code == 0
    assert said.endswith(" files changed, 1 removed (1 warning)\n")
    assert not (root / "made" / "kustomization.yaml").exists()
    assert (root / "made" / "tests" / "a.test.yaml").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "name the folder to write into with -o"),
        (["-o", "slo/out"], "is read as part of the workspace"),
        (["-o", "."], "is read as part of the workspace"),
        (["-o", "out", "--label", "release"], "--label release is not of the form KEY=VALUE"),
        (["-o", "out", "--label", "a b=c"], "--label"),
        (["-o", "out", "--label", 'a="}\nevil: x'], "--label"),
        (["-o", "out", "--namespace", "Not_A_Name"], "--namespace 'Not_A_Name' is no name"),
    ],
)
def test_what_makes_no_sense_is_told_and_nothing_is_written(run, root, monkeypatch, words, said):
    monkeypatch.chdir(root)
    before = sorted(root.rglob("*"))
    code, _, err = run("compile", ".", *words)
    assert code == 2
    assert said in err
    assert sorted(root.rglob("*")) == before


def test_the_hooks_of_pre_commit_are_commands_of_failsoft(run, root, request):
    hooks = yaml.safe_load((request.config.rootpath / ".pre-commit-hooks.yaml").read_text())
    assert {hook["entry"] for hook in hooks} == {"failsoft check", "failsoft compile --check"}
    text = (root / "failsoft.yaml").read_text()
    (root / "failsoft.yaml").write_text(text.replace("spec:\n", "spec:\n  output: {folder: made}\n", 1))
    for hook in hooks:
        program, *words = hook["entry"].split()
        assert program == "failsoft"
        assert hook["pass_filenames"] is False
        assert run(*words, root)[0] == (1 if "--check" in words else 0)  # nothing is compiled yet


@pytest.mark.parametrize("name", ["rules", "prometheusrule", "mimir", "kustomize"])
def test_groups_say_how_they_are_evaluated_where_the_workspace_says_so(name, files, tmp_path, request):
    """Late samples under remote write, and a Thanos ruler whose stores do not all answer."""
    plain = packaged(files, form(name))
    partial = {} if name == "mimir" else {"partial_response": "abort"}
    made = packaged(files, form(name, query_offset="1m", **partial))
    for path, shown in rules(made).items():
        groups = shown["spec"]["groups"] if "spec" in shown else shown["groups"]
        before = rules(plain)[path]
        for group, was in zip(groups, before["spec"]["groups"] if "spec" in before else before["groups"], strict=True):
            said = {"query_offset": "1m"} | ({"partial_response_strategy": "abort"} if partial else {})
            assert group == was | said
    assert {path: text for path, text in made.items() if not path.startswith("rules/")} == {
        path: text for path, text in plain.items() if not path.startswith("rules/")
    }


@pytest.mark.newest_prometheus
def test_the_newest_promtool_takes_the_offset(files, tmp_path, newest_promtool):
    made = packaged(files, form("rules", query_offset="1m"))
    (tmp_path / "chat.yaml").write_text(made["rules/chat.yaml"])
    assert run_tool([newest_promtool, "check", "rules", "chat.yaml"], cwd=tmp_path).ok
