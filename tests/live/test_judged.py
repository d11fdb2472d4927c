"""Each check says what is wrong with the answers it was given, and nothing about those that it was not."""

import pytest

from failsoft.live.model import LoadedGroup, LoadedRule, Missing, Target, Version
from failsoft.live.subject import groups_of
from failsoft.slo.promql import Matcher
from failsoft.workspace.quantities import Duration


def reads(subject, slo, role):
    return next(read for read in subject.reads[slo] if read.role == role)


def as_loaded(subject, **changes):
    """The groups of a workspace as a server has them that loaded its files; `changes` are of every rule."""
    return tuple(
        LoadedGroup(
            group["name"],
            f"/etc/{path}",
            _length(group.get("interval", "1m")),
            tuple(_rule(rule)._replace(**changes) for rule in group["rules"]),
        )
        for path, text in subject.rules.items()
        for group in groups_of(text)
    )


def _rule(rule):
    name, record = rule.get("record") or rule["alert"], "record" in rule
    annotations = rule.get("annotations") or {}
    wait, keep = _length(rule.get("for")), _length(rule.get("keep_firing_for"))
    return LoadedRule(name, record, rule["expr"], rule["labels"], annotations, wait, keep, "")


def _length(text):
    return Duration.parse(text).milliseconds if text else 0


def test_what_was_not_asked_is_not_judged(told):
    assert told({}) == []


def test_a_server_that_is_down_is_all_that_is_told(told):
    assert told({"down": "no route to host", "retention": 1}) == [
        (
            "FS471",
            "no route to host",
            "curl http://p:9090/api/v1/status/buildinfo shows what is there",
        )
    ]


@pytest.mark.parametrize(("kept", "codes"), [(1_799_000, ["FS472", "FS472"]), (1_800_000, [])])
def test_a_retention_below_the_period_is_told_for_each_slo(told, kept, codes):
    assert [code for code, *_ in told({"retention": kept})] == codes


def test_the_interval_of_the_targets_of_a_model_is_compared(told):
    mine, other = Target({"job": "vllm-chat", "instance": "a"}, 2000), Target({"job": "other"}, 60_000)
    ((code, message, _),) = told({"targets": (mine, other)})
    assert (code, message) == ("FS473", "targets of chat are scraped every 2s, and the rules are made for 1s")
    assert told({"targets": (mine._replace(interval=1000), other)}) == []


def test_a_step_without_two_scrapes_is_told(told):
    found = told({"targets": (Target({"job": "vllm-chat"}, 3000),)})
    assert [code for code, *_ in found] == ["FS473", "FS474", "FS474"]
    assert found[1][1] == "chat-answers records every 5s, and chat is scraped every 3s"


def test_a_field_that_came_later_is_told_with_the_files_that_have_it(told):
    ((code, message, _),) = told({"version": Version(2, 41), "product": "2.41.0"})
    assert code == "FS476"
    assert message.startswith("Prometheus 2.41.0 does not know keep_firing_for, and refuses ")
    assert "rules/chat.yaml" in message
    assert told({"version": Version(2, 42)}) == []
    assert told({"version": None, "product": "0.36.0"}) == []


def test_an_expression_is_told_with_its_rule_in_the_words_of_the_server(told):
    def answers(subject):
        rule = groups_of(subject.rules["rules/chat.yaml"])[0]["rules"][0]
        return {"refused": {rule["expr"]: "unknown function"}}

    ((code, message, _),) = told(answers)
    assert (code, message) == ("FS475", "failsoft:slo_pulse_bad:increase in chat-answers: unknown function")


def test_a_metric_that_is_not_there_is_told_once_for_an_slo(told):
    def answers(subject):
        parts = dict.fromkeys(subject.reads["chat-ttft"], 0)
        return {"counts": parts, "missing": dict.fromkeys(parts, Missing(0))}

    ((code, message, hint),) = told(answers)
    assert code == "FS477"
    assert message.startswith('chat-ttft reads vllm:time_to_first_token_seconds_count{job="vllm-chat", model_name=')
    assert "at all" in hint


def test_a_name_whose_colon_was_replaced_is_told_with_what_names_it_back(told):
    def answers(subject):
        read = reads(subject, "chat-ttft", "all events")
        spelled = "vllm_time_to_first_token_seconds_count"
        return {"counts": {read: 0}, "missing": {read: Missing(0, spelled=spelled)}}

    ((code, _, hint),) = told(answers)
    assert code == "FS477"
    assert "it is there as vllm_time_to_first_token_seconds_count" in hint
    assert "regex: 'vllm_(.+)', target_label: __name__, replacement: 'vllm:$1'" in hint


def test_a_value_that_matches_nothing_is_told_with_the_nearest_that_does(told):
    def answers(subject):
        read = reads(subject, "chat-ttft", "all events")
        wrong = ((Matcher("model_name", "=", "chat-70b"), ("chat-7b", "embed")),)
        return {"counts": {read: 0}, "missing": {read: Missing(2, wrong)}}

    ((code, _, hint),) = told(answers)
    assert (code, hint) == ("FS477", 'model_name="chat-70b" matches nothing; did you mean chat-7b?')


def test_bad_events_may_not_be_there_before_the_first(told):
    assert told(lambda subject: {"counts": {reads(subject, "chat-answers", "bad events"): 0}}) == []


def test_a_bucket_that_the_server_has_not_is_an_error_with_those_it_has(told):
    def answers(subject):
        read = reads(subject, "chat-ttft", "good events")
        return {"counts": {read: 0}, "missing": {read: Missing(3, (), ("0.25", "1", "+Inf"))}}

    ((code, message, hint),) = told(answers)
    assert code == "FS478"
    assert "le=0.5" in message
    assert "failsoft catalog lock vllm URL --model chat" in hint


@pytest.mark.parametrize(("count", "codes"), [(20_000, []), (20_001, ["FS479"])])
def test_very_many_series_are_told(told, count, codes):
    found = told(lambda subject: {"counts": {reads(subject, "chat-ttft", "all events"): count}})
    assert [code for code, *_ in found] == codes


def test_rules_that_are_loaded_as_compiled_are_fine(told):
    assert told(lambda subject: {"groups": as_loaded(subject)}) == []


def test_rules_of_an_older_definition_are_outdated(told):
    """An edited threshold changes the hash in the labels and the bucket in the expression."""

    def older(subject):
        groups = as_loaded(subject)
        return {"groups": tuple(_with(group, '"0.5"', '"0.25"') for group in groups)}

    ((code, message, _),) = told(older)
    assert (code, message) == ("FS481", "chat-ttft, chat-ttft/budget of rules/chat.yaml are loaded with other rules")


def _with(group, old, new):
    rules = tuple(rule._replace(expression=rule.expression.replace(old, new)) for rule in group.rules)
    return group._replace(rules=rules)


@pytest.mark.parametrize("change", [{"labels": {}}, {"keep": 1}, {"wait": 1}, {"annotations": {"a": "b"}}])
def test_every_part_of_a_rule_is_compared(told, change):
    found = told(lambda subject: {"groups": as_loaded(subject, **change)})
    assert "FS481" in {code for code, *_ in found}


def test_rules_that_are_not_loaded_are_told(told):
    assert [code for code, *_ in told({"groups": ()})] == ["FS482"]
    found = told(lambda subject: {"groups": as_loaded(subject)[:2]})
    assert {code for code, *_ in found} == {"FS482"}


def test_a_rule_that_fails_is_told_with_the_error_of_the_server(told):
    def answers(subject):
        first, *others = as_loaded(subject)
        broken = tuple(rule._replace(problem="many-to-many matching") for rule in first.rules)
        return {"groups": (first._replace(rules=broken), *others)}

    ((code, message, _),) = told(answers)
    assert code == "FS483"
    assert "many-to-many matching" in message


def test_two_rules_that_record_one_series_are_told(told):
    def answers(subject):
        groups = as_loaded(subject)
        again = next(group for group in groups if group.name == "chat-ttft")._replace(file="/etc/old/chat.yaml")
        return {"groups": (*groups, again)}

    found = told(answers)
    assert [code for code, *_ in found] == ["FS480"]
    assert "/etc/old/chat.yaml" in found[0][1]


def test_two_budgets_of_one_slo_are_told(told):
    ((code, message, _),) = told({"recorded": {"chat-ttft": 2, "of-others": 9}})
    assert (code, message) == ("FS480", "there are 2 budgets of chat-ttft on this server")


def test_what_could_not_be_asked_is_no_error(told):
    assert told({"unasked": ("its rules: 404",)}) == [("FS484", "its rules: 404", "")]
