"""failsoft keeps AI inference failing softly: SLOs, drift, chaos experiments and runbooks in one closed loop."""

__version__ = "0.1.0"
