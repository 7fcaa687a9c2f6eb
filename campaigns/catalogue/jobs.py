"""Background steps of an import. Each takes an id, is fenced by a lock, and may run twice or at once."""
import time
import uuid

import structlog
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from campaigns.catalogue import imports
from campaigns.catalogue.csv_layout import CsvProblem
from campaigns.catalogue.models import Import
from core import jobs
from core.db import transaction

log = structlog.get_logger("imports")
MAX_TRIES = 5
READ, APPLY = "campaigns.catalogue.jobs.read_import", "campaigns.catalogue.jobs.apply_import"


def enqueue(row: Import) -> bool:
    """Wake a worker for the step that the import is in; False if Redis is away (the tick then does it)."""
    path = {"reading": READ, "applying": APPLY}[row.state]
    return jobs.enqueue(path, str(row.id), job_id=f"import-{row.id}-{row.state}-{row.tries}")


def read_import(import_id: str) -> None:
    """Read the file and make the preview; a file that cannot be read fails with its reason."""
    _step(uuid.UUID(import_id), "reading", imports.read)


def apply_import(import_id: str) -> None:
    """Write what the preview shows, in one transaction. If the catalogue changed meanwhile: a fresh preview instead."""
    import_id = uuid.UUID(import_id)
    try:
        _step(import_id, "applying", imports.apply)
    except (imports.PlanChanged, IntegrityError) as error:
        log.info("import is read again", import_id=str(import_id), why=type(error).__name__)
        with transaction() as db:
            db.execute(update(Import).where(Import.id == import_id, Import.state == "applying")
                       .values(state="reading", error="changed", tries=Import.tries + 1))
        read_import(str(import_id))


def _step(import_id: uuid.UUID, state: str, work) -> None:
    if not _count_try(import_id, state):
        return
    with transaction() as db:
        if not imports.lock_import(db, import_id):
            return  # another process is at it
        found = imports.load(db, import_id)
        if found is None or found[0].state != state:
            return
        try:
            with db.begin_nested():
                work(db, *found, _progress(import_id))
        except CsvProblem as problem:
            imports.fail(db, found[0], problem.code, problem.data)


def _count_try(import_id: uuid.UUID, state: str) -> bool:
    """Note, outside of the step's transaction, that it is tried; give it up after MAX_TRIES."""
    with transaction() as db:
        if not imports.lock_import(db, import_id):
            return False  # somebody is at it: that is no try
        tries = db.execute(update(Import).where(Import.id == import_id, Import.state == state)
                           .values(tries=Import.tries + 1).returning(Import.tries)).scalar()
        if tries is not None and tries > MAX_TRIES:
            imports.fail(db, imports.load(db, import_id)[0], "gave_up", {})
            return False
    return tries is not None


def _progress(import_id: uuid.UUID):
    """Writes how far the step is, in transactions of its own, so that the page can see it."""
    def tell(done: int) -> None:
        with transaction() as db:
            db.execute(update(Import).where(Import.id == import_id).values(progress=done))
        # In the relay (which steps in without a worker) this lets the show's messages through.
        time.sleep(0)
    return tell
