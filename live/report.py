"""The report of a show: what sold, money and viewers by the minute, the fate of holds. Rehearsals are not in it."""
import csv
import io

from flask_babel import gettext as _
from sqlalchemy import text

from campaigns.catalogue.cells import safe
from campaigns.terms.models import Campaign
from core import clock
from core.money import to_decimal
from live.show import tell
from live.show.models import LiveSession

PRODUCTS = text("""
WITH line AS (
  SELECT l.offer_id, sum(l.quantity) AS units, sum(l.total_minor) AS minor, count(DISTINCT o.id) AS orders,
         sum(l.returned_quantity) AS returned
  FROM order_lines l JOIN orders o ON o.id = l.order_id
  WHERE o.live_session_id = :live AND NOT o.rehearsal AND o.paid_at IS NOT NULL GROUP BY l.offer_id),
claimed AS (
  SELECT s.offer_id, count(*) FILTER (WHERE c.outcome = 'held') AS held,
         count(*) FILTER (WHERE c.outcome = 'sold_out') AS sold_out,
         count(*) FILTER (WHERE c.outcome IN ('over_limit', 'not_open')) AS refused
  FROM claims c JOIN offer_stock s ON s.id = c.stock_id JOIN offers f ON f.id = s.offer_id
  WHERE f.campaign_id = :campaign AND NOT s.rehearsal AND c.created_at >= :since AND c.created_at <= :until
  GROUP BY s.offer_id)
SELECT f.id, f.title, v.sku, coalesce(line.units, 0) AS units, coalesce(line.minor, 0) AS minor,
       coalesce(line.orders, 0) AS orders, coalesce(line.returned, 0) AS returned, coalesce(claimed.held, 0) AS held,
       coalesce(claimed.sold_out, 0) AS sold_out, coalesce(claimed.refused, 0) AS refused, s.mode,
       coalesce(s.reserve + s."left", 0) AS still
FROM offers f JOIN variants v ON v.id = f.variant_id LEFT JOIN line ON line.offer_id = f.id
LEFT JOIN claimed ON claimed.offer_id = f.id LEFT JOIN offer_stock s ON s.offer_id = f.id AND NOT s.rehearsal
WHERE f.campaign_id = :campaign ORDER BY minor DESC, f.position""")
MINUTES = text("""
SELECT minute, sum(minor) AS minor, sum(orders) AS orders, max(viewers) AS viewers, sum(said) AS said FROM (
  SELECT date_trunc('minute', paid_at) AS minute, total_minor AS minor, 1 AS orders, NULL::int AS viewers, 0 AS said
  FROM orders WHERE live_session_id = :live AND NOT rehearsal AND paid_at IS NOT NULL
  UNION ALL SELECT minute, 0, 0, viewers, 0 FROM viewer_minutes WHERE live_session_id = :live
  UNION ALL SELECT date_trunc('minute', created_at), 0, 0, NULL, 1 FROM chat_messages
            WHERE live_session_id = :live AND NOT rehearsal AND state = 'visible'
) AS all_of_it GROUP BY minute ORDER BY minute""")
HOLDS = text("""
SELECT h.state, count(*) AS holds, sum(h.quantity) AS units FROM holds h JOIN offer_stock s ON s.id = h.stock_id
WHERE h.live_session_id = :live AND NOT s.rehearsal GROUP BY h.state""")
BUYERS = text("""
SELECT count(*) AS orders, count(DISTINCT member_id) AS buyers, coalesce(sum(total_minor), 0) AS minor,
       coalesce(sum(refunded_minor), 0) AS refunded
FROM orders WHERE live_session_id = :live AND NOT rehearsal AND paid_at IS NOT NULL""")


def of(db, show: LiveSession) -> dict:
    """Everything the report page shows, in minor units of the campaign's currency."""
    campaign = db.get(Campaign, show.campaign_id)
    about = {"live": show.id, "campaign": show.campaign_id, "since": show.started_at or show.created_at,
             "until": show.ended_at or clock.now()}
    holds = {row.state: {"holds": row.holds, "units": int(row.units)} for row in db.execute(HOLDS, about)}
    products = [_numbers(row) for row in db.execute(PRODUCTS, about)]
    minutes = [{"minute": clock.iso(row.minute), "minor": int(row.minor), "orders": int(row.orders),
                "viewers": row.viewers, "said": int(row.said)} for row in db.execute(MINUTES, about)]
    total = _numbers(db.execute(BUYERS, about).one())
    return {"currency": campaign.currency, "campaign": campaign.name, "products": products, "minutes": minutes,
            "holds": {state: holds.get(state, {"holds": 0, "units": 0})
                      for state in ("held", "consumed", "released", "expired")},
            "total": total, "units": sum(row["units"] for row in products), "sales": tell.sales_of(db, show, False),
            "claims": sum(row["held"] for row in products), "sold_out": sum(row["sold_out"] for row in products),
            "refused": sum(row["refused"] for row in products), "chat": sum(row["said"] for row in minutes),
            "reactions": show.reactions, "peak_viewers": show.peak_viewers,
            "seconds": int((about["until"] - show.started_at).total_seconds()) if show.started_at else 0}


def page_data(show: LiveSession, found: dict) -> dict:
    """For the page's pictures."""
    return {"id": str(show.id), "currency": found["currency"], "minutes": found["minutes"], "sales": found["sales"],
            "started_at": clock.iso(show.started_at), "ended_at": clock.iso(show.ended_at or clock.now()),
            "open": [str(row["id"]) for row in found["products"] if row["mode"] == "open"]}


def _numbers(row) -> dict:
    """A row with PostgreSQL's sums (Decimal) as the whole numbers they are."""
    return {name: int(value) if name not in ("id", "title", "sku", "mode") else value
            for name, value in row._mapping.items()}


def csv_of(db, show: LiveSession) -> str:
    """Sales per product and what happened in each minute; text cells are safe to open in a spreadsheet."""
    found = of(db, show)
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow([_("Product"), _("SKU"), _("Units"), _("Orders"), _("Revenue"), _("Currency"), _("Returned"),
                     _("Claims held"), _("Claims sold out"), _("Claims refused")])
    for row in found["products"]:
        writer.writerow([safe(row["title"]), safe(row["sku"]), row["units"], row["orders"],
                         to_decimal(row["minor"], found["currency"]), found["currency"], row["returned"], row["held"],
                         row["sold_out"], row["refused"]])
    writer.writerow([])
    writer.writerow([_("Minute (UTC)"), _("Revenue"), _("Orders"), _("Viewers"), _("Messages")])
    for row in found["minutes"]:
        writer.writerow([row["minute"], to_decimal(row["minor"], found["currency"]), row["orders"],
                         "" if row["viewers"] is None else row["viewers"], row["said"]])
    return "\ufeff" + file.getvalue()
