"""The demo: the whole loop on a lab's world, told as it happens, and every link of the chain checked at its end."""

from failsoft.lab.demo.demo import Outcome, demo

__all__ = ["Outcome", "demo"]
