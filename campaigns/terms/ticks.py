"""What is due by the clock: units that came free after their campaign had ended."""
from sqlalchemy import select

from campaigns.stock.models import OfferStock
from campaigns.terms.models import Campaign, Offer
from campaigns.terms.publishing import return_unsold
from core.db import reading, transaction
from core.ticks import every


@every(60)
def return_late_units() -> None:
    """Holds that expired and orders that were cancelled after the end: their units go back to stock."""
    with reading() as db:
        late = db.scalars(select(OfferStock.id).join(Offer, Offer.id == OfferStock.offer_id).join(Campaign)
                          .where(Campaign.state.in_(("ended", "settling", "settled")), ~OfferStock.rehearsal,
                                 OfferStock.reserve + OfferStock.left > 0).order_by(OfferStock.id)).all()
    for stock_id in late:
        with transaction() as db:
            return_unsold(db, db.get(OfferStock, stock_id))
