"""Accounts of three kinds, and the ledger's own rules after every test."""
from dataclasses import dataclass

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.db import engine
from ledger import accounts, balances, checks

CASH = accounts.kind("test_cash", side="debit")  # what we have
OWED = accounts.kind("test_owed", side="credit")  # what we owe somebody
PURSE = accounts.kind("test_purse", side="credit", floor=True)  # owed, and never below zero


@dataclass
class Book:
    cash: object
    ann: object
    bob: object
    purse: object
    other: object  # another currency


@pytest.fixture
def book(db):
    yield open_book(db)
    db.rollback()
    assert broken_rules() == {}


def open_book(db) -> Book:
    made = Book(*(accounts.open(db, *wanted) for wanted in (
        ("house", CASH, "GBP"), ("ann", OWED, "GBP"), ("bob", OWED, "GBP"), ("ann", PURSE, "GBP"),
        ("ann", OWED, "JPY"))))
    db.commit()
    return made


def broken_rules() -> dict:
    with engine().connect() as connection:
        return {name: rows for name, sql in checks.CHECKS if (rows := connection.execute(text(sql)).mappings().all())}


def balance(account_id) -> int:
    with Session(engine()) as db:
        return balances.balance(db, account_id)
