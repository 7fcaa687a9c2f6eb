"""A database in memory as far as our rules lean on PostgreSQL: READ COMMITTED, row locks that wait, unique keys that
wait, CHECKs, all-or-nothing commits. A transaction whose process dies is rolled back.

What may wait is a generator: `yield from tx.lock(…)`.
"""


class Violation(AssertionError):
    """Something that must never be was seen."""


class Taken(Exception):
    """A unique key is there already."""


class Database:
    def __init__(self, world, checks=(), watch=None):
        self.world, self.checks, self.watch = world, checks, watch
        self.tables: dict[str, dict] = {}
        self.locks: dict[tuple, Transaction] = {}
        self.waiting: dict[tuple, list] = {}
        self.number = 0

    def table(self, name: str) -> dict:
        return self.tables.setdefault(name, {})

    def next(self) -> int:
        """A sequence: grows, and is never rolled back."""
        self.number += 1
        return self.number

    def begin(self) -> "Transaction":
        tx = Transaction(self)
        self.world.transactions.setdefault(self.world.running.process, set()).add(tx)
        return tx


class Transaction:
    def __init__(self, db: Database):
        self.db, self.process = db, db.world.running.process
        self.written: dict[tuple, dict | None] = {}
        self.held: list[tuple] = []
        self.over = False

    # -- reading: own writes, else what is committed at this very moment

    def get(self, table: str, key):
        if (table, key) in self.written:
            return self.written[table, key]
        return self.db.table(table).get(key)

    def rows(self, table: str) -> list[dict]:
        """All rows, in the order of their keys."""
        merged = dict(self.db.table(table))
        for (name, key), row in self.written.items():
            if name == table:
                merged[key] = row
        return [merged[key] for key in sorted(merged) if merged[key] is not None]

    # -- writing

    def lock(self, table: str, key):
        """Wait for the row, then its present values."""
        name = (table, key)
        while self.db.locks.get(name, self) is not self:
            yield self.db.waiting.setdefault(name, [])
        if name not in self.db.locks:
            self.db.locks[name] = self
            self.held.append(name)
        return self.get(table, key)

    def change(self, table: str, key, **values) -> dict:
        """Set columns of a row that this transaction has locked, or of its own."""
        row = {**self.get(table, key), **values}
        self.written[table, key] = row
        return row

    def update(self, table: str, key, change):
        """One UPDATE: waits for the row; `change(row)` gives new columns, or None where its WHERE does not hold."""
        row = yield from self.lock(table, key)
        values = row and change(row)
        return self.change(table, key, **values) if values is not None else None

    def insert(self, table: str, key, row: dict, unique: tuple = ()):
        """One INSERT. `unique` names tuples of columns whose values may stand once. Raises Taken."""
        yield from self.lock(f"{table} key", key)
        if self.get(table, key) is not None:
            raise Taken(f"{table} {key}")
        for columns in unique:
            value = tuple(row[column] for column in columns)
            yield from self.lock(f"{table} {columns}", value)
            if any(tuple(other[column] for column in columns) == value for other in self.rows(table)):
                raise Taken(f"{table} {columns}")
        self.written[table, key] = row

    # -- the end

    def commit(self) -> None:
        """Everything at once, or Violation if a CHECK would have refused it: a guard behind the rules was needed."""
        changes = {name: (self.db.table(name[0]).get(name[1]), row) for name, row in self.written.items()}
        for check in self.db.checks:
            for (table, key), (_before, after) in changes.items():
                check(table, key, after)
        for (table, key), row in self.written.items():
            self.db.table(table)[key] = row
        self._end()
        if self.db.watch:
            self.db.watch(self.db.tables, changes)

    def rollback(self) -> None:
        self._end()

    def _end(self) -> None:
        self.over = True
        self.db.world.transactions.get(self.process, set()).discard(self)
        for name in self.held:
            del self.db.locks[name]
            for task in self.db.waiting.pop(name, ()):
                self.db.world.wake(task)
        self.held, self.written = [], {}
