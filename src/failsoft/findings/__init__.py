"""Findings: the one diagnostic type of every command, its codes and how it is shown."""

from failsoft.findings.model import Code, Finding, Place, Severity, worst

__all__ = ["Code", "Finding", "Place", "Severity", "worst"]
