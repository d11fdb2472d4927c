"""Findings: the one diagnostic type of every command, and how it is shown."""

from failsoft.findings.model import Code, Finding, Place, Severity, worst
from failsoft.findings.render import counted, render, show
from failsoft.findings.words import amount

__all__ = ["Code", "Finding", "Place", "Severity", "amount", "counted", "render", "show", "worst"]
