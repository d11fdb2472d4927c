"""kill -9 around every durable write and outbound call: the run goes on, and no finished step's effect repeats."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

STEPS = """
- inspect: {nodes: false}
- approve: {within: 60s}
- scale: {model: fallback, replicas: 2}
- shiftTraffic: {to: fallback}
- verify: {for: 200ms, within: 300ms, otherwise: [undo, page]}
"""


def points(trace):
    """Each point of a dry run, with how often it had come before."""
    seen = Counter()
    for name in trace.read_text().splitlines():
        seen[name] += 1
        yield name, seen[name]


def test_dry(worlds, runbook, tmp_path):
    make = worlds("sqlite", runbook(STEPS), 0.5)
    with make() as world:
        import time
        t=time.time()
        assert world.run(trace=tmp_path / "trace") == 0, world.log
        print(time.time()-t)
        print(world.effects(), world.weights, world.replicas, [p for p in world.pager.posts if "dedup_key" in p])
        found = list(points(tmp_path / "trace"))
        for p in found: print(p)
        print(len(found))
