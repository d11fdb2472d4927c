"""Coverage-guided fuzzing from bytes to findings: `python tests/fuzz/fuzz_workspace.py -runs=100000`."""

import sys

import atheris

with atheris.instrument_imports(include=["failsoft"]):
    from failsoft.findings import Finding, render
    from failsoft.workspace.decode import decode
    from failsoft.workspace.read import read_nodes, read_text


def check(raw: bytes) -> None:
    """Whatever the bytes are, there are documents or findings, and they can be shown."""
    source = read_text("f.yaml", raw)
    if isinstance(source, Finding):
        findings = [source]
    else:
        nodes, findings = read_nodes(source)
        for node in nodes:
            document, more = decode(source, node, shipped=False)
            findings += more
            if document is None and not more:
                raise AssertionError("a document vanished without a finding")
            if document is not None:
                document.at("spec", "model")
    render(findings, "text")
    render(findings, "sarif")


if __name__ == "__main__":
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()
