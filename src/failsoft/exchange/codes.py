"""What can be wrong with documents of other tools, and what of them cannot be kept."""

from failsoft.findings import Code, Severity

__all__ = [
    "APPROXIMATED",
    "CODES",
    "COLLISION",
    "DANGLING",
    "FOREIGN_KIND",
    "INVALID",
    "NOT_EXPRESSIBLE",
    "NOT_KEPT",
    "PLACEHOLDER",
    "RENAMED",
    "UNKNOWN",
]

FOREIGN_KIND = Code("FS601", "foreign-kind", "A document that is neither of OpenSLO v1 nor of Sloth.")
INVALID = Code("FS602", "foreign-invalid", "A document of another tool that is not valid there either.")
DANGLING = Code("FS603", "foreign-dangling", "A reference of an OpenSLO document to one that is not given.")
COLLISION = Code("FS604", "foreign-collision", "Two documents of other tools that would have one name.")
NOT_EXPRESSIBLE = Code("FS605", "not-expressible", "Something that failsoft cannot express.")
UNKNOWN = Code("FS611", "foreign-unknown-key", "A key that the other tool does not know, either.", Severity.WARNING)
APPROXIMATED = Code("FS612", "approximated", "Something that failsoft measures in another way.", Severity.WARNING)
NOT_KEPT = Code("FS613", "not-kept", "Something that has no place in failsoft's documents.", Severity.WARNING)
RENAMED = Code("FS614", "renamed", "A name that failsoft cannot use as it is.", Severity.WARNING)
PLACEHOLDER = Code(
    "FS615", "placeholder", "Something that failsoft needs and the documents do not say.", Severity.WARNING
)

CODES = (
    FOREIGN_KIND,
    INVALID,
    DANGLING,
    COLLISION,
    NOT_EXPRESSIBLE,
    UNKNOWN,
    APPROXIMATED,
    NOT_KEPT,
    RENAMED,
    PLACEHOLDER,
)
