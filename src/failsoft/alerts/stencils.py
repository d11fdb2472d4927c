"""The rules of SLOs that differ in names only, written once: a text with gaps, into which each sets its own.

Thousands of SLOs have a few forms. What stands in a gap is escaped by itself, which is the same as escaping the whole:
all escapes here go character by character. Names that any of them would change make no gap; nor does anything that
decides which rules there are, which is a part of the form.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, cast

from failsoft.alerts.burn import alerts_of, groups_of
from failsoft.alerts.messages import links_of, verbatim
from failsoft.alerts.rules import groups_text, indented, yaml_string
from failsoft.slo.indicators import Sli, Slices
from failsoft.slo.resolve import Objective
from failsoft.workspace.kinds import WorkspaceSpec

if TYPE_CHECKING:
    from failsoft.slo.windows import BurnTier

__all__ = ["Stencils"]

_MOST = 1000
"""Forms of which the text is held, 20 KiB each."""

_PLAIN = re.compile(r"[-a-zA-Z0-9_.]*")
_CLOCKS = attrgetter("period", "pulse", "step", "scrape", "keep_firing_for", "min_bad")
_NAMES = attrgetter("name", "model", "team", "failure_mode", "definition")


class _Events:
    """Events of which nothing is known yet: each question about them is a gap."""

    by = ""

    def __init__(self, sign: str) -> None:
        self._sign = sign
        self.sentence = _gap(sign, "sentence")

    def total(self, window: int, offset: int = 0) -> str:
        return _gap(self._sign, f"total.{window}.{offset}")

    def bad(self, window: int, offset: int = 0) -> str:
        return _gap(self._sign, f"bad.{window}.{offset}")


@dataclass(frozen=True, slots=True)
class _Stencil:
    """Text and gaps in turns.

    Attributes:
        pieces: the text, with nothing in the gaps.
        gaps: what each gap is called.
        counts: the questions about events among these: bad or total, window and offset.
        alerts: the names of the alerts.
    """

    pieces: tuple[str, ...]
    gaps: Callable[[Mapping[str, str]], tuple[str, ...]]
    counts: tuple[tuple[str, bool, int, int], ...]
    alerts: tuple[str, ...]

    def filled(self, values: Mapping[str, str]) -> str:
        """The text, with values in its gaps."""
        pieces = list(self.pieces)
        pieces[1::2] = self.gaps(values)
        return "".join(pieces)


class Stencils:
    """The texts of rules, one for each form that was met more than once."""

    def __init__(self, config: WorkspaceSpec) -> None:
        self._config = config
        self._met: dict[object, tuple[BurnTier, ...]] = {}
        self._known: dict[object, _Stencil] = {}
        self._sign = "GAP"
        while self._sign in f"{config.links}{config.prometheus.url}":  # all else is written in small letters
            self._sign += "P"

    def text(self, objective: Objective, runbook: str) -> tuple[str, tuple[str, ...]]:
        """What an SLO has in its rule file, as `groups_text` writes it, and the names of its alerts.

        Args:
            objective: the SLO.
            runbook: the one that answers its alerts; empty where none does.
        """
        names = (*_NAMES(objective), runbook, *(objective.sloth or ()))
        if objective.cap or objective.exclusions or isinstance(objective.sli, Slices) or not _plain(names):
            return self._whole(objective, runbook)
        spec, sli = objective.document.spec, objective.sli
        about = spec.description.strip()
        # tiers are one value for all that promise the same, and to hash them would take longer than all the rest
        promise = (id(objective.tiers), str(objective.target), *_CLOCKS(objective))
        form = (promise, spec.class_, bool(about), bool(runbook), len(names))
        stencil = self._stencil(form, objective, runbook)
        if stencil is None:
            return self._whole(objective, runbook)
        values = dict(zip(_ROLES, names, strict=False))
        values["sentence"] = yaml_string(sli.sentence)[1:-1]
        values["description"] = yaml_string(verbatim(about))[1:-1] if about else ""
        for gap, total, window, offset in stencil.counts:
            values[gap] = indented(sli.total(window, offset) if total else sli.bad(window, offset))
        return stencil.filled(values), stencil.alerts

    def _whole(self, objective: Objective, runbook: str) -> tuple[str, tuple[str, ...]]:
        groups = groups_of(objective, links_of(self._config, objective, runbook))
        return groups_text(groups), tuple(alert.name for alert in alerts_of(groups))

    def _stencil(self, form: object, like: Objective, runbook: str) -> "_Stencil | None":
        """That of a form; None where the form is met for the first time, and may be for the last."""
        if form not in self._met:
            self._met[form] = like.tiers  # so that no other tiers get their identity
            return None
        if form not in self._known:
            if len(self._known) == _MOST:
                self._known.clear()
            self._known[form] = self._cut(like, runbook)
        return self._known[form]

    def _cut(self, like: Objective, runbook: str) -> _Stencil:
        """The text of SLOs of a form, with gaps for what differs."""
        gaps = {role: _gap(self._sign, role) for role in (*_ROLES, "description")}
        about = gaps["description"] if like.document.spec.description.strip() else ""
        spec = like.document.spec.model_copy(update={"description": about})
        blank = replace(
            like,
            name=gaps["name"],
            model=gaps["model"],
            team=gaps["team"],
            failure_mode=gaps["failure_mode"],
            definition=gaps["definition"],
            sli=cast("Sli", _Events(self._sign)),
            document=replace(like.document, spec=spec),
            sloth=(gaps["sloth_service"], gaps["sloth_slo"]) if like.sloth else None,
        )
        groups = groups_of(blank, links_of(self._config, blank, gaps["runbook"] if runbook else ""))
        pieces = re.split(rf"{self._sign}([a-z_]+(?:\.\d+\.\d+)?){self._sign}", groups_text(groups))
        return _Stencil(
            tuple(pieces),
            itemgetter(*pieces[1::2]),
            tuple(_count(gap) for gap in dict.fromkeys(pieces[1::2]) if "." in gap),
            tuple(alert.name for alert in alerts_of(groups)),
        )


_ROLES = ("name", "model", "team", "failure_mode", "definition", "runbook", "sloth_service", "sloth_slo")


def _gap(sign: str, role: str) -> str:
    return f"{sign}{role}{sign}"


def _count(gap: str) -> tuple[str, bool, int, int]:
    kind, window, offset = gap.split(".")
    return gap, kind == "total", int(window), int(offset)


def _plain(names: tuple[str, ...]) -> bool:
    return _PLAIN.fullmatch("".join(names)) is not None
