"""Documents of other tools, and what becomes of them."""

from pathlib import Path
from textwrap import dedent

import pytest
import yaml

from failsoft.exchange import convert
from failsoft.workspace.tree import SourceFile

DATA = Path(__file__).parents[1] / "data" / "exchange"


@pytest.fixture
def data():
    return DATA


@pytest.fixture
def converted():
    """Converts texts: `converted(text, ...)`; hands back the documents by kind and name, and the findings."""

    def make(*texts, owner="my-team", **more):
        sources = [SourceFile(f"{index}.yaml", dedent(text).lstrip("\n")) for index, text in enumerate(texts)]
        made, findings = convert(sources, owner=owner, **more)
        documents = [one for text in made.files.values() for one in yaml.safe_load_all(text)]
        return {(one["kind"], one["metadata"]["name"]): one["spec"] for one in documents}, findings

    return make


@pytest.fixture
def codes():
    def of(findings, severity=None):
        return [one.code.id for one in findings if severity is None or one.severity == severity]

    return of
