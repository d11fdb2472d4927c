"""Service classes: objectives that are said once for many SLOs."""

import shutil

import pytest
import yaml

from failsoft.cli import main
from failsoft.slo import codes
from failsoft.slo.promql import number
from failsoft.workspace.load import load, shipped

SLO = """
kind: SLO
metadata: {name: s}
spec: {model: chat, indicator: {ttft: {below: 500ms}}, PROMISE}
"""
OWN = """
kind: ServiceClass
metadata: {name: NAME}
spec: {SAYS}
"""
PATIENT = """
kind: AlertWindows
metadata: {name: patient}
spec: {tiers: [{name: page, severity: page, budget: 5%, short: 30m, long: 6h, for: 5m}]}
"""


def slo(promise):
    return SLO.replace("PROMISE", promise)


def own(name, says):
    return OWN.replace("NAME", name).replace("SAYS", says)


@pytest.mark.parametrize(
    ("name", "objective"), [("critical", "99.99%"), ("high-fast", "99.9%"), ("high-slow", "99.9%"), ("low", "99%")]
)
def test_the_classes_of_the_workbook_compile_to_the_rules_of_their_objectives(written, name, objective):
    """To the byte, apart from the sentence that says whose objective it is."""
    by_class = written(slo(f"class: {name}")).compiled()[0].files["rules/chat.yaml"]
    by_itself = written(slo(f"objective: {objective}")).compiled()[0].files["rules/chat.yaml"]
    assert by_class != by_itself
    assert by_class.replace(f"the objective of the class {name} allows", "the objective allows") == by_itself
    assert set(shipped().classes) == {"critical", "high-fast", "high-slow", "low"}


def test_a_class_of_the_workspace_takes_the_place_of_the_shipped_one_and_may_be_new(written):
    objective, findings = written(slo("class: low"), own("low", "objective: 97%")).resolve("s")
    assert (str(objective.target), number(objective.budget), findings) == ("97%", "0.03", ())
    objective, _ = written(slo("class: batch"), own("batch", "objective: 95%, period: 7d")).resolve("s")
    assert (str(objective.target), objective.period, objective.windows.name) == ("95%", 7 * 86_400_000, "burn-7d")


def test_what_an_slo_says_itself_comes_before_what_its_class_says(written):
    batch = own("batch", "objective: 99%, period: 7d, alerting: patient")
    objective, _ = written(slo("class: batch"), batch, PATIENT).resolve("s")
    assert (objective.period, objective.windows.name) == (7 * 86_400_000, "patient")
    said = "class: batch, period: 30d, alerting: burn-28d"
    objective, _ = written(slo(said), batch, PATIENT).resolve("s")
    assert (objective.period, objective.windows.name) == (30 * 86_400_000, "burn-28d")


def test_what_is_wrong_with_a_class_is_told_at_the_slo_that_takes_it(written):
    """A p90 class, in which the fast page can never fire."""
    made = written(slo("class: batch"), own("batch", "objective: 90%"))
    _, (finding,) = made.resolve("s")
    assert finding.code is codes.TIER_CANNOT_FIRE
    assert finding.place.text[finding.place.column - 1 :].startswith("batch")


@pytest.fixture
def refused(written):
    """The errors of a workspace with these documents beside good ones."""

    def ask(*documents):
        root = written(slo("objective: 99%")).root
        for index, document in enumerate(documents):
            (root / "slo" / f"{index}.yaml").write_text(document.lstrip())
        return [finding for finding in load(root)[1] if finding.severity == "error"]

    return ask


@pytest.mark.parametrize("promise", ["class: low, objective: 99%", "description: x"])
def test_an_slo_promises_exactly_once(refused, promise):
    (finding,) = refused(slo(promise))
    assert "promises" in finding.message
    assert "an objective or a class" in finding.expected


def test_a_class_that_is_not_there_is_refused_with_the_nearest_one(refused):
    (finding,) = refused(slo("class: critcal"))
    assert finding.message == "there is no ServiceClass 'critcal'"
    assert "critical" in finding.hint


@pytest.mark.parametrize("objective", ["0%", "100%"])
def test_a_class_without_a_budget_is_one_finding_and_its_slos_are_not_called_dangling(refused, objective):
    (finding,) = refused(slo("class: own"), own("own", f"objective: {objective}"))
    assert "leaves no error budget" in finding.message
    assert finding.place.path == "slo/1.yaml"


def test_windows_that_a_class_names_and_nobody_wrote_are_told_at_the_class(refused):
    (finding,) = refused(slo("class: own"), own("own", "objective: 99%, alerting: nobodys"))
    assert finding.message == "there is no AlertWindows 'nobodys'"
    assert finding.place.path == "slo/1.yaml"


def test_diff_says_what_another_class_and_an_edited_class_do(written, tmp_path, capsys):
    root = written(slo("class: low"), own("own", "objective: 99%")).root
    old = tmp_path / "old"
    shutil.copytree(root, old)

    def told():
        with pytest.raises(SystemExit):
            main(["diff", str(root), "--against", str(old)])
        return capsys.readouterr().out

    (root / "slo" / "0.yaml").write_text(slo("class: high-fast"))
    out = told()
    assert "    class: low -> high-fast\n    the error budget: 1% -> 0.1% of all events\n" in out
    (root / "slo" / "0.yaml").write_text(slo("class: own"))
    shutil.rmtree(old)
    shutil.copytree(root, old)
    (root / "slo" / "1.yaml").write_text(own("own", "objective: 99.5%"))
    assert told().startswith("~ SLO s\n    the error budget: 1% -> 0.5% of all events\n")
    (root / "slo" / "0.yaml").write_text(slo("class: own").replace("name: s", "name: t"))
    assert "    99.5% (class own) over 30d: at most 0.5% of requests to chat" in told()


def test_an_alert_says_the_class_whose_objective_it_is(written):
    made = written(slo("class: low")).compiled()[0]
    rules = [rule for group in yaml.safe_load(made.files["rules/chat.yaml"])["groups"] for rule in group["rules"]]
    (first, *_) = [rule for rule in rules if rule.get("alert") == "FailsoftSLOBurn"]
    assert first["annotations"]["summary"].endswith("; the objective of the class low allows 1%.")
