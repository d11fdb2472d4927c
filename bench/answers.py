"""What looking at an answer costs in the serving process, and how far ordinary texts are from a loop."""

import random
import time
import zlib
from pathlib import Path

from prometheus_client import CollectorRegistry

from bench.rows import Row
from failsoft.drift.answers import Answer, AnswerCounter, Expected

_ANSWERS = 2_000
_END = 1_000
_FOLDER = Path(__file__).parents[1]
_SENTENCE = "the node has no free GPU so your pod waits until one comes and requests go to the smaller model instead"


def run() -> list[Row]:
    """CPU for one answer of 1,000 characters; the compression ratio of our own texts, and of loops."""
    dice = random.Random(1)  # noqa: S311  # texts, not secrets
    texts = [" ".join(dice.choices(_SENTENCE.split(), k=200))[:1_000] for _ in range(_ANSWERS)]
    rows = []
    for what, expected, bound in (
        ("one answer looked at and counted", Expected(), 0.3),
        ("the same with script and language", Expected(scripts=frozenset({"latin"}), language="en"), 1.5),
    ):
        counter = AnswerCounter("chat", registry=CollectorRegistry(), expected=expected)
        counter.observe(Answer(texts[0], "stop"))
        start = time.process_time()
        for text in texts:
            counter.observe(Answer(text, "stop"))
        rows.append(Row(what, 1000 * (time.process_time() - start) / _ANSWERS, "ms", bound))
    prose = _ends(sorted((_FOLDER / "docs").glob("*.md")))
    code = _ends(sorted((_FOLDER / "src").rglob("*.py")))
    rows += [
        Row("compression of 1,000 characters of our docs, 999 of 1,000", _high(prose), "", 8),
        Row("of our Python, 999 of 1,000", _high(code), "", 8),
        Row(
            "8 over that of a sentence of 30 characters in a loop",
            8 / _ratio("The node is gone, so it waits " * 34),
            "",
            1,
        ),
    ]
    return rows


def _ends(paths: list[Path]) -> list[float]:
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return sorted(_ratio(text[at : at + _END]) for text in texts for at in range(0, len(text) - _END, _END))


def _high(ratios: list[float]) -> float:
    return ratios[999 * (len(ratios) - 1) // 1000]


def _ratio(text: str) -> float:
    raw = text.encode()[-_END:]
    return len(raw) / len(zlib.compress(raw, 6))
