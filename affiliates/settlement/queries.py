"""Reading settlements: the dry run, progress, and statements per party. Pages use these."""
import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text

from affiliates.commission.actions import award_bonuses
from affiliates.settlement import actions, books, sums, tell
from affiliates.settlement.models import SettlementChunk, SettlementMerchant, SettlementRun
from campaigns.terms.models import Campaign
from core import clock
from core.errors import NotFound
from ledger import balances

_FIRST, _LAST = uuid.UUID(int=0), uuid.UUID(int=2**128 - 1)


@dataclass(frozen=True)
class Preview:
    """What a run opened now would post, in minor units: `parties` are rows with affiliate_id, items, adjustments,
    gross_minor (before adjustments) and amount_minor, the largest first; `merchant` as settlement_merchants holds;
    `bonuses` how many would be awarded first; `waiting` what is left for later and why, as `waiting` gives it."""
    cutoff: datetime
    currency: str
    parties: list
    merchant: dict
    bonuses: int
    waiting: dict

    @property
    def commissions_minor(self) -> int:
        return sum(row.amount_minor for row in self.parties)


def dry_run(db, campaign_id: uuid.UUID, cutoff: datetime | None = None) -> Preview:
    """Every figure of a settlement, by the run's own statements. Nothing is kept: bonuses that a first run would
    award are awarded in a savepoint, counted with the rest, and rolled back."""
    campaign = db.get(Campaign, campaign_id)
    undo = db.begin_nested()
    try:
        bonuses = len(award_bonuses(db, campaign_id)) if campaign.state == "ended" else 0
        cutoff = cutoff or clock.now()
        parties = db.execute(sums.PREVIEW, {"campaign_id": campaign_id, "lo": _FIRST, "hi": _LAST,
                                            "cutoff": cutoff}).all()
        merchant = actions.merchant_part(db, campaign_id, campaign.merchant_id, cutoff)
        left = waiting(db, campaign_id, cutoff, merchant["through"])
    finally:
        undo.rollback()
    return Preview(cutoff, campaign.currency, parties, merchant, bonuses, left)


def waiting(db, campaign_id: uuid.UUID, cutoff: datetime, through: int) -> dict:
    """What a run at `cutoff` leaves for later: held, undelivered and days with their count and `_minor`, next_at (when
    the first of those days end), and orders that are not through."""
    return dict(db.execute(sums.WAITING, {"campaign_id": campaign_id, "cutoff": cutoff, "through": through})
                .mappings().one())


def access_run(db, run_id: uuid.UUID, merchant_id: uuid.UUID | None = None) -> SettlementRun:
    """A run (of this merchant, if given; operators give none). Raises NotFound."""
    run = db.get(SettlementRun, run_id)
    if run is None or merchant_id not in (None, run.merchant_id):
        raise NotFound
    return run


def runs_of(db, campaign_id: uuid.UUID) -> list[SettlementRun]:
    """All runs of a campaign, the newest first."""
    return list(db.scalars(select(SettlementRun).where(SettlementRun.campaign_id == campaign_id)
                           .order_by(SettlementRun.seq.desc())))


def newest_run(db, campaign_id: uuid.UUID) -> SettlementRun | None:
    """The run of a campaign that was opened last."""
    return db.scalar(select(SettlementRun).where(SettlementRun.campaign_id == campaign_id)
                     .order_by(SettlementRun.seq.desc()).limit(1))


def progress(db, run: SettlementRun) -> dict:
    """How far a run is: chunks, done, failed, parties, items, amount_minor, result. The event carries the same."""
    return tell.progress_of(db, run)


def failed_chunks(db, run_id: uuid.UUID) -> list[SettlementChunk]:
    """Chunks with an error, waiting for a person (state failed) or for another try."""
    return list(db.scalars(select(SettlementChunk).where(
        SettlementChunk.run_id == run_id, SettlementChunk.error.is_not(None)).order_by(SettlementChunk.no)))


def merchant_statement(db, run_id: uuid.UUID) -> SettlementMerchant | None:
    """The merchant's part of a run; None until the run is settled."""
    return db.get(SettlementMerchant, run_id)


_PARTIES = text("""
SELECT a.id AS affiliate_id, a.display_name, sum(n)::bigint AS items, sum(m)::bigint AS adjustments,
       sum(minor)::bigint AS amount_minor
FROM (SELECT affiliate_id, 1 AS n, 0 AS m, amount_minor AS minor FROM settlement_items WHERE run_id = :run_id
      UNION ALL
      SELECT affiliate_id, 0, 1, amount_minor FROM settlement_adjustments WHERE run_id = :run_id) taken
JOIN affiliates a ON a.id = taken.affiliate_id
GROUP BY a.id ORDER BY amount_minor DESC, a.id LIMIT :limit OFFSET :offset""")


def parties_of(db, run_id: uuid.UUID, limit: int = 100, offset: int = 0) -> list:
    """Who got how much in a run, the largest first: rows with affiliate_id, display_name, items, adjustments,
    amount_minor."""
    return db.execute(_PARTIES, {"run_id": run_id, "limit": limit, "offset": offset}).all()


_LINES = text("""
SELECT o.number, l.title, c.level, c.kind, c.quantity, c.base_minor, c.rate_ppm, c.flat_minor, c.cap_minor,
       c.amount_minor AS commission_minor, x.what, x.amount_minor, x.at, c.id AS commission_id, c.currency
FROM (SELECT i.commission_id, 'commission' AS what, i.amount_minor, r.opened_at AS at FROM settlement_items i
      JOIN settlement_runs r ON r.id = i.run_id
      WHERE i.affiliate_id = :affiliate_id AND (cast(:run_id AS uuid) IS NULL OR i.run_id = :run_id)
      UNION ALL
      SELECT s.commission_id, a.cause_type, s.amount_minor, a.created_at FROM settlement_adjustments s
      JOIN commission_adjustments a ON a.id = s.adjustment_id
      WHERE s.affiliate_id = :affiliate_id AND (cast(:run_id AS uuid) IS NULL OR s.run_id = :run_id)) x
JOIN commissions c ON c.id = x.commission_id JOIN orders o ON o.id = c.order_id
JOIN order_lines l ON l.id = c.order_line_id ORDER BY o.number, c.level, c.kind, x.at""")


def lines_of(db, affiliate_id: uuid.UUID, run_id: uuid.UUID | None = None) -> list:
    """An affiliate's statement, line by line, of one run or of all: what (commission, refund, dispute, …) and how much,
    with base, rate and the commission's own amount."""
    return db.execute(_LINES.execution_options(yield_per=1000), {"affiliate_id": affiliate_id, "run_id": run_id})


def settled_ids(db, affiliate_id: uuid.UUID, commission_ids: list[uuid.UUID]) -> set[uuid.UUID]:
    """Which of these commissions of an affiliate are settled."""
    return set(db.scalars(text("SELECT commission_id FROM settlement_items WHERE affiliate_id = :affiliate_id "
                               "AND commission_id = ANY(cast(:ids AS uuid[]))"),
                          {"affiliate_id": affiliate_id, "ids": commission_ids}))



def totals(db, affiliate_ids: list[uuid.UUID]) -> dict:
    """{(affiliate, currency): {"payable": minor units}}: what each is owed now; below zero is a debt."""
    by_owner = {books.affiliate(id_): id_ for id_ in affiliate_ids}
    return {(by_owner[row.owner], row.currency): {"payable": int(row.balance_minor)}
            for row in balances.of_owners(db, books.PAYABLE, list(by_owner))}
