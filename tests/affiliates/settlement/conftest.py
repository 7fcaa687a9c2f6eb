"""A small campaign that has ended, made the way the bench makes a large one."""
from dataclasses import dataclass

import pytest
from sqlalchemy import text

import core.db
from affiliates.settlement import actions, checks, jobs
from affiliates.settlement.models import SettlementRun
from core.db import transaction
from core.ids import new_id
from ledger.checks import CHECKS as LEDGER_CHECKS
from tests.bench import settle_data

ORDERS, AFFILIATES = 900, 30


@dataclass
class Books:
    campaign_id: object = settle_data.CAMPAIGN

    def open(self, size=200):
        with transaction() as db:
            return actions.open_run(db, self.campaign_id, size=size)[0].id

    def settle(self, size=200):
        """Open a run, do it and read it."""
        run_id = self.open(size)
        jobs.settle(str(run_id))
        return self.run(run_id)

    def run(self, run_id):
        with transaction() as db:
            return db.get(SettlementRun, run_id)

    def state(self):
        return self.value("SELECT state FROM campaigns")

    def value(self, sql, **values):
        with core.db.engine().connect() as connection:
            return connection.execute(text(sql), values).scalar()

    def write(self, sql, **values):
        with core.db.engine().begin() as connection:
            connection.execute(text(sql), values)

    def force(self, sql, **values):
        """Past the triggers."""
        with core.db.engine().begin() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            connection.execute(text(sql), values)

    def balances(self) -> dict[str, int]:
        """What every party is owed, below zero if it owes; zeros left out."""
        with core.db.engine().connect() as connection:
            return {owner: int(minor) for owner, minor in connection.execute(text("""
                SELECT a.owner, sum(CASE WHEN t.credit_id = a.id THEN t.amount_minor ELSE -t.amount_minor END)
                FROM ledger_accounts a JOIN ledger_transfers t ON a.id IN (t.credit_id, t.debit_id)
                WHERE a.kind = 'payable' AND t.state = 'posted' GROUP BY a.owner""")) if minor}

    def expected(self) -> dict[str, int]:
        with core.db.engine().connect() as connection:
            return {owner: int(minor) for owner, minor in settle_data.expected(connection).items() if minor}

    def reverse(self, commission_ids, minor=1):
        """Money went back for these commissions: one cause, as a refund writes it."""
        for id_ in commission_ids:
            self.write("""INSERT INTO commission_adjustments (id, commission_id, cause_type, cause_id, amount_minor,
                            basis_minor, note)
                          VALUES (:id, :commission, 'refund', cast(cast(:id AS uuid) AS text), :minor, 1, '')""",
                       id=str(new_id()), commission=id_, minor=-minor)

    def some(self, where="true", most=5):
        with core.db.engine().connect() as connection:
            return [row[0] for row in connection.execute(text(
                f"SELECT id FROM commissions WHERE amount_minor - reversed_minor > 3 AND {where} ORDER BY id "
                f"LIMIT {most}"))]


@pytest.fixture
def ended(empty):
    settle_data.make(core.db.engine(), ORDERS, AFFILIATES)
    yield Books()
    assert broken_rules() == {}


def broken_rules() -> dict:
    with core.db.engine().connect() as connection:
        return {name: rows for name, sql in [*checks.CHECKS, *LEDGER_CHECKS]
                if (rows := connection.execute(text(sql)).mappings().all())}
