"""Every kind of finding has an id of its own, whichever room it comes from: SARIF and suppressions go by it."""

import pkgutil
from collections import defaultdict
from importlib import import_module

import failsoft
from failsoft.findings import Code


def test_no_two_kinds_of_findings_share_an_id_or_a_name():
    modules = [
        import_module(found.name)
        for found in pkgutil.walk_packages(failsoft.__path__, "failsoft.")
        if found.name.endswith(".codes")
    ]
    assert len(modules) >= 5
    held = {code for module in modules for code in vars(module).values() if isinstance(code, Code)}
    by_id, by_name = defaultdict(set), defaultdict(set)
    for code in held:
        by_id[code.id].add(code.name)
        by_name[code.name].add(code.id)
    assert {key: names for key, names in by_id.items() if len(names) > 1} == {}
    assert {key: ids for key, ids in by_name.items() if len(ids) > 1} == {}
