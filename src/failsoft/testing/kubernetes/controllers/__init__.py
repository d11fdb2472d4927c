"""The fake's controllers and scheduler: what the control plane does by itself after each change."""

from failsoft.testing.kubernetes.controllers.loop import Controllers, Pace

__all__ = ["Controllers", "Pace"]
