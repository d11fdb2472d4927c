"""Whether the rules that are loaded are those that the workspace compiles to, and whether they work."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from failsoft.findings import Finding, Place
from failsoft.live import codes
from failsoft.live.model import Answers, LoadedGroup, LoadedRule, Subject
from failsoft.live.subject import groups_of
from failsoft.workspace.quantities import Duration

__all__ = ["failing", "not_loaded", "outdated", "same"]

_DURATION = r"(?:\d+(?:ms|[smhdwy]))+"
_NUMBER = r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_TOKEN = re.compile(rf'"(?:[^"\\]|\\.)*"|{_DURATION}|{_NUMBER}|[\w:]+|[=!~<>^*/%+-]+|[\[\]{{}}@]')
_SHOWN = 5


def not_loaded(subject: Subject, answers: Answers) -> Iterator[Finding]:
    """Groups of the workspace that the server has not."""
    if answers.groups is None:
        return
    there = {group.name for group in answers.groups}
    wanted = _wanted(subject)
    if wanted and not there & wanted.keys():
        message = f"none of the {len(wanted)} groups of this workspace is loaded"
        hint = "failsoft compile, and name the rules folder under rule_files; see docs/outputs.md for other ways"
        yield Finding(codes.RULES_NOT_LOADED, message, subject.workspace.config_at("spec", "prometheus"), "", hint)
        return
    for path, names in _by_file(subject, [name for name in wanted if name not in there]).items():
        message = f"{_named(names)} of {path} {'is' if len(names) == 1 else 'are'} not loaded"
        yield Finding(codes.RULES_NOT_LOADED, message, _place(subject, names[0]), "", "load the file, then reload")


def outdated(subject: Subject, answers: Answers) -> Iterator[Finding]:
    """Groups that are loaded with other rules than the workspace compiles to."""
    wanted = _wanted(subject)
    changed = [
        group.name for group in answers.groups or () if group.name in wanted and not same(wanted[group.name], group)
    ]
    for path, names in _by_file(subject, changed).items():
        message = f"{_named(names)} of {path} {'is' if len(names) == 1 else 'are'} loaded with other rules"
        hint = "compile, deliver the files, reload; failsoft compile --check says whether the committed ones are fresh"
        yield Finding(codes.RULES_OUTDATED, message, _place(subject, names[0]), "what the workspace compiles to", hint)


def failing(subject: Subject, answers: Answers) -> Iterator[Finding]:
    """Rules of the workspace whose last evaluation failed, in the server's words; one of each group."""
    wanted = _wanted(subject)
    for group in answers.groups or ():
        broken = [rule for rule in group.rules if rule.problem]
        if broken and group.name in wanted:
            more = f", and {len(broken) - 1} more of its group" if len(broken) > 1 else ""
            message = f"{broken[0].name} of {group.name} fails{more}: {broken[0].problem}"
            yield Finding(codes.RULES_FAILING, message, _place(subject, group.name), "rules that can be evaluated")


def same(group: Mapping[str, Any], loaded: LoadedGroup) -> bool:
    """Whether a group of a rule file is the one that is loaded.

    A server writes expressions in its own way: matchers in another order, other brackets and blanks. So expressions are
    compared by how often each of their words, numbers and signs stands in them.
    """
    interval = group.get("interval")
    if interval is not None and Duration.parse(interval).milliseconds != loaded.interval:
        return False
    rules = group["rules"]
    return len(rules) == len(loaded.rules) and all(map(_same_rule, rules, loaded.rules))


def _same_rule(rule: Mapping[str, Any], loaded: LoadedRule) -> bool:
    return (
        rule.get("record", rule.get("alert")) == loaded.name
        and ("record" in rule) is loaded.record
        and dict(rule.get("labels") or {}) == loaded.labels
        and dict(rule.get("annotations") or {}) == loaded.annotations
        and _length(rule.get("for")) == loaded.wait
        and _length(rule.get("keep_firing_for")) == loaded.keep
        and _words(rule["expr"]) == _words(loaded.expression)
    )


def _length(text: str | None) -> int:
    return Duration.parse(text).milliseconds if text else 0


def _words(expression: str) -> Counter[str]:
    return Counter(_plain(token) for token in _TOKEN.findall(expression))


def _plain(token: str) -> str:
    """Numbers and durations in one spelling."""
    if not token[0].isdigit():
        return token
    try:
        return repr(float(token))
    except ValueError:
        return str(Duration.parse(token))


def _wanted(subject: Subject) -> dict[str, dict[str, Any]]:
    return {group["name"]: group for text in subject.rules.values() for group in groups_of(text)}


def _by_file(subject: Subject, names: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path, text in subject.rules.items():
        mine = [group["name"] for group in groups_of(text) if group["name"] in names]
        if mine:
            found[path] = mine
    return found


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _place(subject: Subject, group: str) -> Place:
    found = (one.document.at("metadata", "name") for one in subject.objectives if one.name == group.partition("/")[0])
    return next(found, subject.workspace.config_at("spec", "prometheus"))
