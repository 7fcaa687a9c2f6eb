"""Once an hour: fold the sums of busy accounts, so that a balance adds up only what is new."""
import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from core.db import engine
from core.ticks import every
from ledger import balances

log = structlog.get_logger("ledger")


@every(3600)
def fold_balances() -> None:
    """Write snapshots; when writers kept the table busy, the next hour does it."""
    with Session(engine()) as db:
        try:
            log.info("balances folded", accounts=balances.fold(db))
        except OperationalError:
            log.warning("balances not folded: the table was busy")
