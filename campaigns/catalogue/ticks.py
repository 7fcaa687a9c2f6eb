"""Imports that wait although nobody works on them: Redis or the worker is away."""
from datetime import timedelta

from sqlalchemy import select

from campaigns.catalogue import jobs
from campaigns.catalogue.models import Import
from core import clock
from core.db import reading
from core.ticks import every

# A worker takes a job within a second; after 20 s it is asked for again, after 60 s it is done here.
ASK_AGAIN_SECONDS = 20
STEP_IN_SECONDS = 60


@every(10)
def pick_up_imports() -> None:
    """Ask for each import that is due once more, and do one here if nobody came or Redis is away."""
    now = clock.now()
    with reading() as db:
        due = list(db.scalars(select(Import).where(Import.state.in_(("reading", "applying")),
                                                   Import.step_at < now - timedelta(seconds=ASK_AGAIN_SECONDS))
                              .order_by(Import.step_at).limit(20)))
    for row in due:
        late = row.step_at < now - timedelta(seconds=STEP_IN_SECONDS)
        if late or not jobs.enqueue(row):
            step = jobs.read_import if row.state == "reading" else jobs.apply_import
            step(str(row.id))
            return  # one a tick: the relay has a show to run
