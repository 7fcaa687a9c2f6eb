"""What the settlement console lists: a shop's campaigns with their newest run, and all runs for operators."""
import uuid

from sqlalchemy import text

PER_PAGE = 50

_POSTED = """(SELECT coalesce(sum(k.amount_minor), 0) FROM settlement_chunks k JOIN settlement_runs q ON q.id = k.run_id
   WHERE q.campaign_id = c.id)::bigint AS commissions_minor,
  (SELECT coalesce(sum(m.amount_minor), 0) FROM settlement_merchants m JOIN settlement_runs q ON q.id = m.run_id
   WHERE q.campaign_id = c.id)::bigint AS merchant_minor"""
_CAMPAIGNS = text(f"""
SELECT c.id, c.name, c.state, c.currency, c.ended_at, r.id AS run_id, r.seq, r.state AS run_state, r.opened_at,
  count(*) OVER () AS total, {_POSTED},
  (SELECT count(*) FROM settlement_chunks k WHERE k.run_id = r.id AND k.state = 'failed') AS failed
FROM campaigns c
LEFT JOIN LATERAL (SELECT * FROM settlement_runs WHERE campaign_id = c.id ORDER BY seq DESC LIMIT 1) r ON true
WHERE c.merchant_id = :merchant_id AND c.state IN ('ended', 'settling', 'settled')
ORDER BY c.state = 'settled', c.ended_at DESC, c.id LIMIT :limit OFFSET :offset""")  # noqa: S608 - of this file
_SUMS = text(f"SELECT {_POSTED} FROM campaigns c WHERE c.id = :campaign_id")  # noqa: S608 - fragments of this file
_RUNS = """
SELECT r.id, r.campaign_id, c.name, m.name AS shop, r.seq, r.state, r.currency, r.opened_at, r.result, k.failed,
  k.chunks, k.done, k.amount_minor AS commissions_minor, s.amount_minor AS merchant_minor, b.name AS by_name,
  (r.state = 'blocked' OR k.failed > 0) AS troubled
FROM settlement_runs r JOIN campaigns c ON c.id = r.campaign_id JOIN merchants m ON m.id = r.merchant_id
LEFT JOIN members b ON b.id = r.opened_by LEFT JOIN settlement_merchants s ON s.run_id = r.id
CROSS JOIN LATERAL (SELECT count(*) AS chunks, count(*) FILTER (WHERE state = 'done') AS done,
  count(*) FILTER (WHERE state = 'failed') AS failed, coalesce(sum(amount_minor), 0)::bigint AS amount_minor
  FROM settlement_chunks WHERE run_id = r.id) k"""
_ALL_RUNS = text(f"""
SELECT *, count(*) OVER () AS total FROM ({_RUNS}) runs
WHERE CASE :show WHEN 'trouble' THEN troubled WHEN 'working' THEN state <> 'audited' ELSE true END
ORDER BY troubled DESC, state = 'audited', id DESC LIMIT :limit OFFSET :offset""")  # noqa: S608 - of this file
_RUNS_OF = text(f"{_RUNS} WHERE r.campaign_id = :campaign_id ORDER BY r.seq DESC")
_COUNTS = text("""
SELECT count(*) AS all, count(*) FILTER (WHERE state <> 'audited') AS working,
  count(*) FILTER (WHERE state = 'blocked' OR EXISTS (
    SELECT FROM settlement_chunks k WHERE k.run_id = r.id AND k.state = 'failed')) AS trouble
FROM settlement_runs r""")


def campaigns(db, merchant_id: uuid.UUID, page: int = 1) -> list:
    """A shop's campaigns that are over, unsettled ones first, with what was posted; each row has the `total`."""
    return db.execute(_CAMPAIGNS, {"merchant_id": merchant_id, "limit": PER_PAGE,
                                   "offset": (page - 1) * PER_PAGE}).all()


def sums(db, campaign_id: uuid.UUID):
    """What all runs of a campaign posted: commissions_minor, merchant_minor."""
    return db.execute(_SUMS, {"campaign_id": campaign_id}).one()


def runs_of(db, campaign_id: uuid.UUID) -> list:
    """All runs of a campaign with who opened them and what they posted, the newest first."""
    return db.execute(_RUNS_OF, {"campaign_id": campaign_id}).all()


def all_runs(db, show: str, page: int = 1) -> list:
    """Runs of every shop, those in trouble first; `show` is all, working or trouble; each row has the `total`."""
    return db.execute(_ALL_RUNS, {"show": show, "limit": PER_PAGE, "offset": (page - 1) * PER_PAGE}).all()


def counts(db) -> dict[str, int]:
    """How many runs there are, are under way, are in trouble."""
    return dict(db.execute(_COUNTS).mappings().one())


def names_of(db, affiliate_ids) -> dict[uuid.UUID, str]:
    """{affiliate: how they call themselves}."""
    return dict(db.execute(text("SELECT id, display_name FROM affiliates WHERE id = ANY(:ids)"),
                           {"ids": list(affiliate_ids)}).all())
