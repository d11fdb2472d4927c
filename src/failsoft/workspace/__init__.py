"""The workspace: documents of YAML, parsed once into frozen values that know their place."""

from failsoft.workspace.model import Document, Origin, Workspace

__all__ = ["Document", "Origin", "Workspace"]
