"""What can be wrong with the files and documents of a workspace."""

from failsoft.findings import Code, Severity

__all__ = [
    "ALIAS_BOMB",
    "BAD_YAML",
    "CODES",
    "DANGLING",
    "DUPLICATE_KEY",
    "DUPLICATE_NAME",
    "EMPTY",
    "LITERAL",
    "MISSING_KEY",
    "NOT_READ",
    "NOT_UTF8",
    "NO_MAPPING",
    "TAG",
    "TOO_DEEP",
    "TOO_LARGE",
    "UNKNOWN_KEY",
    "UNKNOWN_KIND",
    "UNREACHABLE",
    "UNREADABLE",
    "UNSUPPORTED",
    "UNVERIFIED",
    "WRONG_VALUE",
]

UNREADABLE = Code("FS101", "unreadable", "A file or folder that cannot be read.")
NOT_UTF8 = Code("FS102", "not-utf8", "A file that is not UTF-8 text.")
TOO_LARGE = Code("FS103", "too-large", "A file above 4 MiB.")
EMPTY = Code("FS104", "empty", "A file without any document.")
BAD_YAML = Code("FS105", "bad-yaml", "Text that is not YAML.")
TAG = Code("FS106", "tag", "A YAML tag; failsoft reads plain data only.")
ALIAS_BOMB = Code("FS107", "alias-bomb", "Aliases that contain themselves or grow out of proportion.")
TOO_DEEP = Code("FS108", "too-deep", "Mappings and lists nested deeper than 50 levels.")
DUPLICATE_KEY = Code("FS109", "duplicate-key", "A key that stands twice in one mapping.")
NO_MAPPING = Code("FS110", "no-mapping", "A document, or a key, that is not of the form `key: value`.")
NOT_READ = Code("FS111", "not-read", "A file that seems to belong to the workspace and is not read.", Severity.WARNING)

UNKNOWN_KIND = Code("FS201", "unknown-kind", "A document of a kind that failsoft does not know.")
UNKNOWN_KEY = Code("FS202", "unknown-key", "A key that the document's kind does not have.")
MISSING_KEY = Code("FS203", "missing-key", "A key that has to be there.")
WRONG_VALUE = Code("FS204", "wrong-value", "A value of another form, unit or range than its key takes.")
DUPLICATE_NAME = Code("FS205", "duplicate-name", "Two documents of one kind with the same name.")

DANGLING = Code("FS301", "dangling-reference", "A name that no document has.")
UNSUPPORTED = Code("FS302", "unsupported", "Something that the engine or the model cannot give.")
UNREACHABLE = Code("FS303", "unreachable-runbook", "A runbook that no alert can reach.", Severity.ERROR)
LITERAL = Code(
    "FS304",
    "literal-operator",
    "A label's value that begins as an operator does.",
    Severity.WARNING,
)
UNVERIFIED = Code("FS305", "unverified-engine", "An engine of which no server proved what is known.", Severity.INFO)

CODES = (
    UNREADABLE,
    NOT_UTF8,
    TOO_LARGE,
    EMPTY,
    BAD_YAML,
    TAG,
    ALIAS_BOMB,
    TOO_DEEP,
    DUPLICATE_KEY,
    NO_MAPPING,
    NOT_READ,
    UNKNOWN_KIND,
    UNKNOWN_KEY,
    MISSING_KEY,
    WRONG_VALUE,
    DUPLICATE_NAME,
    DANGLING,
    UNSUPPORTED,
    UNREACHABLE,
    LITERAL,
    UNVERIFIED,
)
