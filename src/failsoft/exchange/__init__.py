"""Documents of other tools, OpenSLO v1 and Sloth, read as they are and said again as documents of failsoft."""

from failsoft.exchange.convert import Converted, Known, convert

__all__ = ["Converted", "Known", "convert"]
