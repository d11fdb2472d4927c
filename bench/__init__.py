"""Measurements behind every figure in README and docs; `python -m bench` prints them all beside their bounds."""
