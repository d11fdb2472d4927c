"""The same rules as others take them: PrometheusRule objects, Mimir's namespaces, a Kustomize folder."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from failsoft.alerts.compile import ALERTMANAGER_FILE
from failsoft.alerts.rules import groups_in, yaml_string
from failsoft.workspace.kinds.configuration import OutputAt

__all__ = ["LARGEST_OBJECT", "packaged"]

LARGEST_OBJECT = 448 * 1024
"""Bytes of rules in one PrometheusRule: the operator refuses one above 512 KiB, half of what a ConfigMap may hold."""

_KUSTOMIZATION = "kustomization.yaml"
_HEAD = re.compile(r"(?P<comment>#[^\n]*\n)groups:\n")


def packaged(files: Mapping[str, str], output: OutputAt) -> dict[str, str]:
    """The compiled files in the form that was asked for.

    The rules themselves are the same to the byte, two columns further in where an object is around them. promtool reads
    plain rule files only, so its tests are part of the form `rules` alone.

    Args:
        files: what `compile_workspace` made.
        output: the form, and what objects are called.
    """
    files = {path: _grouped(text, output) if path.startswith("rules/") else text for path, text in files.items()}
    if output.format == "rules":
        return files
    made: dict[str, str] = {}
    for path, text in files.items():
        if path.startswith("rules/"):
            made |= _namespace(path, text) if output.format == "mimir" else _objects(path, text, output)
        elif not path.startswith("tests/"):
            made[path] = text
    if output.format == "kustomize":
        made[_KUSTOMIZATION] = _kustomization(list(made), files[ALERTMANAGER_FILE], output)
    return dict(sorted(made.items()))


def _grouped(text: str, output: OutputAt) -> str:
    """A rule file whose groups say how they are evaluated, where the workspace says so.

    What is proven says nothing of it: promtool knows no late samples, and older ones not even the words.
    """
    more = f"  query_offset: {output.query_offset}\n" if output.query_offset else ""
    more += f"  partial_response_strategy: {output.partial_response}\n" if output.partial_response else ""
    if not more:
        return text
    head, groups = groups_in(text)
    return "".join([head, *(group.replace("\n", f"\n{more}", 1) for group in groups)])


def _namespace(path: str, text: str) -> dict[str, str]:
    """One namespace for each rule file, so that each can be loaded and removed by itself."""
    comment, _ = _parts(text)
    name = f"namespace: {yaml_string(_name(path))}\n"
    return {path: f"{comment}{name}{text.removeprefix(comment)}"}


def _objects(path: str, text: str, output: OutputAt) -> dict[str, str]:
    comment, groups = _parts(text)
    chunks = list(_chunks(groups))
    stem = PurePosixPath(path)
    made = {}
    for index, chunk in enumerate(chunks):
        more = f"-{index}" if index else ""
        head = _head(_name(path) + more, output)
        body = "".join(f"  {line}" if line.strip() else line for line in chunk.splitlines(keepends=True))
        made[str(stem.with_name(f"{stem.stem}{more}.yaml"))] = f"{comment}{head}spec:\n  groups:\n{body}"
    return made


def _parts(text: str) -> tuple[str, Sequence[str]]:
    """The comment on top of a rule file, and its groups."""
    head, groups = groups_in(text)
    found = _HEAD.fullmatch(head)
    if found is None:
        raise ValueError("a rule file begins with its comment and its groups")
    return found["comment"], groups


def _chunks(groups: Sequence[str]) -> Iterator[str]:
    kept: list[str] = []
    size = 0
    for group in groups:
        more = len(group.encode()) + 2 * group.count("\n")
        if kept and size + more > LARGEST_OBJECT:
            yield "".join(kept)
            kept, size = [], 0
        kept.append(group)
        size += more
    yield "".join(kept)


def _head(name: str, output: OutputAt) -> str:
    lines = [
        "apiVersion: monitoring.coreos.com/v1",
        "kind: PrometheusRule",
        "metadata:",
        f"  name: {yaml_string(name)}",
    ]
    # a Kustomize folder says it once, for all of its objects
    if output.namespace and output.format != "kustomize":
        lines.append(f"  namespace: {yaml_string(output.namespace)}")
    labels = {"app.kubernetes.io/managed-by": "failsoft"} | output.labels
    lines.append("  labels:")
    lines += [f"    {yaml_string(key)}: {yaml_string(value)}" for key, value in sorted(labels.items())]
    return "\n".join(lines) + "\n"


def _name(path: str) -> str:
    """What Kubernetes and Mimir call a rule file: no name of a model begins with _, so no two are alike."""
    stem = PurePosixPath(path).stem
    return stem.removeprefix("_") if stem.startswith("_failsoft") else f"failsoft-{stem}".replace("-_", ".")


def _kustomization(paths: Sequence[str], alertmanager: str, output: OutputAt) -> str:
    comment = alertmanager.partition("\n")[0]
    lines = [comment, "apiVersion: kustomize.config.k8s.io/v1beta1", "kind: Kustomization"]
    if output.namespace:
        lines.append(f"namespace: {yaml_string(output.namespace)}")
    rules = sorted(path for path in paths if path.startswith("rules/"))
    lines += ["resources:", *(f"- {yaml_string(path)}" for path in rules)] if rules else []
    dashboards = sorted(path for path in paths if path.startswith("dashboards/"))
    if dashboards:
        lines += [
            "configMapGenerator:",
            '- name: "failsoft-dashboards"',
            "  files:",
            *(f"  - {yaml_string(path)}" for path in dashboards),
            # the label by which Grafana's sidecar finds dashboards, as kube-prometheus-stack sets it
            '  options: {disableNameSuffixHash: true, labels: {grafana_dashboard: "1"}}',
        ]
    if output.alertmanager_secret:
        lines += [
            "secretGenerator:",
            f"- name: {yaml_string(output.alertmanager_secret)}",
            f"  files: [{ALERTMANAGER_FILE}]",
            # the operator looks for the Secret by this very name
            "  options: {disableNameSuffixHash: true}",
        ]
    return "\n".join(lines) + "\n"
