"""What is due by the clock: holds that ran out."""
from sqlalchemy import func, select

from campaigns.stock.actions import expire_due
from campaigns.stock.models import Claim, Hold
from core.db import reading, transaction
from core.ticks import every


@every(0.25)
def expire_holds() -> None:
    """End due holds, one transaction an offer, so that no offer waits for another."""
    with reading() as db:
        stocks = db.scalars(select(Hold.stock_id).where(Hold.state == "held", Hold.expires_at <= func.now())
                            .distinct().order_by(Hold.stock_id)).all()
    for stock_id in stocks:
        with transaction() as db:
            expire_due(db, stock_id)


@every(3600)
def forget_claims() -> None:
    """A page repeats a key for minutes, but reports count claims: they are kept for 90 days."""
    with transaction() as db:
        db.execute(Claim.__table__.delete().where(Claim.created_at < func.now() - func.make_interval(0, 0, 0, 90)))
