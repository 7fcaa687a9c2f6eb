"""`python app.py ledger …`: look at the books and prove them."""
import uuid
from datetime import UTC, datetime

import click
from sqlalchemy import text

from core import money
from core.clock import iso
from core.commands import COMMANDS
from core.db import reading
from ledger import balances
from ledger.checks import CHECKS


@COMMANDS.group("ledger")
def ledger():
    """The ledger's books: check them, print a statement."""


@ledger.command("check")
def check():
    """Trial balance and every rule, recomputed from the transfers; exit 1 if one is broken."""
    with reading() as db:
        for line in trial_balance(db):
            click.echo(line)
        broken = [(name, dict(row._mapping)) for name, sql in CHECKS for row in db.execute(text(sql)).fetchmany(5)]
    for name, row in broken:
        click.echo(f"BROKEN {name}: " + ", ".join(f"{key}={value}" for key, value in row.items()))
    click.echo(f"{len(CHECKS)} rules checked, {len({name for name, _ in broken})} broken.")
    raise SystemExit(1 if broken else 0)


_TRIAL = text("""
SELECT a.currency, a.kind, a.side, count(DISTINCT a.id) AS accounts, coalesce(sum(m.debit), 0) AS debits,
       coalesce(sum(m.credit), 0) AS credits
FROM ledger_accounts a LEFT JOIN (
  SELECT debit_id AS id, amount_minor AS debit, 0 AS credit FROM ledger_transfers WHERE state = 'posted'
  UNION ALL
  SELECT credit_id, 0, amount_minor FROM ledger_transfers WHERE state = 'posted') m ON m.id = a.id
GROUP BY a.currency, a.kind, a.side ORDER BY a.currency, a.kind""")


def trial_balance(db) -> list[str]:
    """A line per currency and kind: accounts, debits, credits, balance; then both columns' sums, which are equal."""
    lines, sums = [], {}
    for row in db.execute(_TRIAL):
        net = row.debits - row.credits if row.side == "debit" else row.credits - row.debits
        lines.append(_columns(row.currency, f"{row.kind} ({row.accounts})", row.debits, row.credits, net))
        debits, credits = sums.get(row.currency, (0, 0))
        sums[row.currency] = debits + row.debits, credits + row.credits
    head = f"{'':4}{'account':28}{'debits':>18}{'credits':>18}{'balance':>18}"
    return [head, *lines, *(_columns(currency, "sum", *both) for currency, both in sums.items())]


def _columns(currency: str, name: str, *minors) -> str:
    return f"{currency:4}{name:28}" + "".join(f"{money.plain(int(minor), currency):>18}" for minor in minors)


@ledger.command("statement")
@click.argument("account")
@click.option("--as-of", default=None, help="Up to this moment, for example 2026-11-22T12:00:00Z. Default: now.")
def statement(account, as_of):
    """Every transfer of ACCOUNT with the balance after it. ACCOUNT: an id, or owner/kind/CURRENCY."""
    until = _moment(as_of)
    with reading() as db:
        id_, name, currency = _find(db, account)
        click.echo(name)
        for line in balances.statement(db, id_, until):
            click.echo(f"{iso(line.at)}  {line.code:16} {line.other_owner + '/' + line.other_kind:48} "
                       f"{money.plain(line.change_minor, currency):>14} "
                       f"{money.plain(line.balance_minor, currency):>14}  {line.key}")
        click.echo(f"Balance: {money.plain(balances.balance(db, id_, until), currency)} {currency}")


def _moment(as_of: str | None) -> datetime | None:
    if as_of is None:
        return None
    try:
        moment = datetime.fromisoformat(as_of)
    except ValueError as error:
        raise click.BadParameter("write it as 2026-11-22T12:00:00Z", param_hint="--as-of") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _find(db, account: str) -> tuple[uuid.UUID, str, str]:
    """(id, owner/kind/currency, currency) of an account named either way."""
    owner, kind, currency = (account.rsplit("/", 2) + ["", ""])[:3]
    row = db.execute(text("SELECT id, owner, kind, currency FROM ledger_accounts WHERE id::text = :account "
                          "OR (owner, kind, currency) = (:owner, :kind, :currency)"),
                     {"account": account, "owner": owner, "kind": kind, "currency": currency}).first()
    if row is None:
        raise click.BadParameter("there is no such account; give its id or owner/kind/CURRENCY", param_hint="ACCOUNT")
    return row.id, f"{row.owner}/{row.kind}/{row.currency}", row.currency
