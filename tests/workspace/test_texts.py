"""Texts that are filled in later: whatever is written, they are taken or refused with a reason, at once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from failsoft.workspace.texts import AlertAddress, SloAddress, Template, TemplateQuery, Url

GOOD = [
    (Template, "{{ model }} burns the budget of {{ slo }}: {{ alert.severity | upper }}"),
    (Template, "{% for name in alert %}{{ loop.index }} {{ alert[name] }}{% endfor %}"),
    (Template, "{% set who = team %}{{ who.upper() }} {{ slo.upper() }}"),
    (Template, "no braces at all"),
    (TemplateQuery, 'sum by (le) (rate(x_bucket{selector}[5m])) / on() up{job="{slo}", a="}"}'),
    (TemplateQuery, "label_replace(up{selector}, 'x', '{y}', '', '')"),
    (SloAddress, "https://grafana/d/x?var-slo={slo}&var-model={model}"),
    (SloAddress, ""),
    (AlertAddress, "https://grafana/{topic}/{alert}"),
    (Url, "http://localhost:9090"),
    (Url, "https://[::1]:8443/prometheus/"),
]
BAD = [
    (Template, "{{ foo }}"),
    (Template, "{{ slo.name }}"),
    (Template, "{{ slo | nope }}"),
    (Template, "{% if slo is nope %}x{% endif %}"),
    (Template, "{{ broken"),
    (Template, "{% include 'x' %}"),
    (Template, "{{ " + "(" * 900 + "1" + ")" * 900 + " }}"),
    (TemplateQuery, "up{selektor}"),
    (TemplateQuery, "up{ selector }"),
    (TemplateQuery, "up{job='x'"),
    (SloAddress, "https://grafana/{alert}"),
    (SloAddress, "https://grafana/{slo"),
    (SloAddress, "https://grafana/slo}"),
    (AlertAddress, "https://grafana/{slo}"),
    (Url, "localhost9090"),
    (Url, "localhost:9090"),
    (Url, "ftp://x"),
    (Url, "http://"),
    (Url, "http://a b"),
    (Url, "http://host:99999"),
    (Url, ""),
]


@pytest.mark.parametrize(("kind", "text"), GOOD)
def test_what_can_be_filled_in_is_taken(kind, text):
    assert TypeAdapter(kind).validate_python(text) == text


@pytest.mark.parametrize(("kind", "text"), BAD)
def test_what_would_fail_at_night_is_refused_with_what_was_expected(kind, text):
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python(text)
    (error,) = refused.value.errors()
    assert error["ctx"]["expected"]


@pytest.mark.parametrize("text", ["{{ 9 ** 9 ** 9 ** 9 }}", "{{ 'a' * 10 ** 12 }}", "{{ 'a' | center(10 ** 12) }}"])
@pytest.mark.timeout(20)
def test_nothing_is_computed_while_a_template_is_looked_at(text):
    assert TypeAdapter(Template).validate_python(text) == text


@given(
    st.sampled_from([Template, TemplateQuery, SloAddress, AlertAddress, Url]),
    st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(
                [
                    "{{",
                    "}}",
                    "{%",
                    "%}",
                    "{",
                    "}",
                    " ",
                    "slo",
                    "selector",
                    "if ",
                    "for x in ",
                    "endif",
                    "|",
                    ".",
                    "'",
                    '"',
                    "http://",
                    ":",
                    "1",
                    "[",
                    "\\",
                ]
            ),
            max_size=25,
        ).map("".join),
    ),
)
@settings(max_examples=300)
def test_any_text_is_taken_or_refused(kind, text):
    try:
        assert TypeAdapter(kind).validate_python(text) == text
    except ValidationError as refused:
        reasons = [error["ctx"].get("expected", "a length") for error in refused.errors() if "ctx" in error]
        if not all(reasons):
            pytest.fail(f"{text!r} is refused without a reason")
