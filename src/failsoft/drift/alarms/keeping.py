"""From a calibration to what is kept of it in a file."""

from failsoft.drift.alarms.calibration import Calibrated, Calibration
from failsoft.drift.alarms.signals import TableTest
from failsoft.drift.alarms.stored import StoredCalibration, StoredCusum, StoredRule, StoredTest

__all__ = ["kept"]


def kept(found: Calibration, reference: str) -> StoredCalibration:
    """The critical values of a calibration, to be stored.

    Args:
        found: whose signals come from a reference profile.
        reference: the `counts_digest` of that profile.
    """
    plan = found.plan
    return StoredCalibration(
        reference=reference,
        rows=plan.rows,
        window=plan.cadence.window,
        every=plan.cadence.every,
        rule=StoredRule(least=plan.rule.least, among=plan.rule.among),
        floor=plan.floor,
        false_pages_per_30d=plan.budget.false_pages_per_30d,
        false_tickets_per_30d=plan.budget.false_tickets_per_30d,
        pages_per_30d=found.pages,
        promised=found.promised,
        doubts=found.doubts,
        page_level=found.level,
        ticket_level=found.ticket_level,
        tests=tuple(_test(one, one.test) for one in found.tests if isinstance(one.test, TableTest)),
    )


def _test(one: Calibrated, test: TableTest) -> StoredTest:
    if test.of is None:
        raise ValueError(f"{test.name!r} comes from no profile")
    cusum = one.cusum
    return StoredTest(
        feature=test.of.feature,
        stratum=test.of.stratum,
        rows=test.rows,
        pools=test.into,
        page=one.z,
        ticket=one.ticket_z,
        cusum=None if cusum is None else StoredCusum(mean=cusum.mean, sd=cusum.sd, threshold=cusum.threshold),
    )
