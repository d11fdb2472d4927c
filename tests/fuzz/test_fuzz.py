"""The fuzzer runs a while in every test run, from the example's files; a crash prints the input that made it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "examples" / "chat"


def test_no_input_breaks_reading(tmp_path):
    pytest.importorskip("atheris", reason="atheris has no wheel for this Python")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, path in enumerate(sorted(EXAMPLE.rglob("*.yaml"))):
        shutil.copy(path, corpus / str(number))
    command = [sys.executable, str(HERE / "fuzz_workspace.py"), str(corpus), "-runs=4000", "-max_len=2000", "-seed=7"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    assert "Done 4000 runs" in done.stderr
