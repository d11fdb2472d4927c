"""Drift of counted bins as recording rules: every statistic, its critical value, and whether anybody counts at all.

Its modules are imported one by one: `compile` needs numpy and scipy, `codes` and `names` do not.
"""
