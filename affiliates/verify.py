"""Check an affiliate's statement from the file alone: `python -m affiliates.verify statement.csv`.

Every amount is computed again from the terms beside it: what the buyer paid, rate × base rounded half up once, the
cap, what a refund takes back in proportion, what is left, and the sums at the end. Needs nothing but Python; the file
can be copied and run alone. Exit 0: everything agrees. Exit 1: the line that is wrong is named.
"""
import csv
import sys
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

COLUMNS = ("record", "id", "of", "at", "order", "what", "shop", "campaign", "came_by", "level", "quantity",
           "unit_price", "discount", "base", "rate_percent", "flat_per_unit", "cap", "amount", "left", "state",
           "payable_from", "rule_version", "cause", "money_gone", "currency", "decimals")
MONEY_CAUSES = ("refund", "dispute")


class Wrong(Exception):
    """What does not agree, with the number of the line in the file."""

    def __init__(self, number: int, text: str):
        super().__init__(f"line {number}: {text}")


class Line:
    """A sale or a bonus as the file states it, and what its changes took so far."""

    def __init__(self, number: int, row: dict):
        self.number, self.row, self.kind = number, row, row["record"]
        self.amount, self.left = _money(number, row, "amount"), _money(number, row, "left")
        self.base = _money(number, row, "base")
        self.changed = Decimal(0)
        self.taken_by_money = self.gone = Decimal(0)
        self.rejected = False

    def check(self) -> None:
        """Raises Wrong if base or amount do not follow from the terms."""
        number, row = self.number, self.row
        quantity = _number(number, row, "quantity")
        if self.kind == "sale":
            base = quantity * _money(number, row, "unit_price") - _money(number, row, "discount")
            _same(number, "base", base, self.base)
        if row["rate_percent"] != "":
            amount = _round(self.base * _number(number, row, "rate_percent") / 100, row)
        else:
            amount = _money(number, row, "flat_per_unit") * quantity
        if row["cap"] != "":
            amount = min(amount, _money(number, row, "cap"))
        _same(number, "amount", amount, self.amount)

    def change(self, number: int, row: dict) -> Decimal:
        """Apply a change; what it is worth. Raises Wrong."""
        said, cause = _money(number, row, "amount"), row["cause"]
        if cause not in MONEY_CAUSES:
            _same(number, "money_gone", Decimal(0), _money(number, row, "money_gone"))
        if cause in MONEY_CAUSES:
            self.gone += _money(number, row, "money_gone")
            target = self.amount if self.gone >= self.base else _round(self.amount * self.gone / self.base, row)
            step = self._step(target - self.taken_by_money, _money(number, row, "money_gone"))
            self.taken_by_money += step
            _same(number, "amount", -step, said)
        elif cause == "rejection":
            self.rejected = True
            _same(number, "amount", -(self.amount + self.changed), said)
        elif cause != "correction":
            raise Wrong(number, f"unknown cause {cause!r}")
        elif said > 0:
            self.rejected = False  # given back by a person
        self.changed += said
        if not 0 <= self.amount + self.changed <= self.amount:
            raise Wrong(number, f"leaves {self.amount + self.changed} of {self.amount}")
        return said

    def _step(self, wanted: Decimal, moved: Decimal) -> Decimal:
        """What money that went takes; money that came back (below 0) gives, except where a person has rejected."""
        if moved >= 0:
            return max(Decimal(0), min(wanted, self.amount + self.changed))
        return Decimal(0) if self.rejected else min(Decimal(0), max(wanted, self.changed))


def check(rows) -> dict[str, dict[str, Decimal]]:
    """{currency: {"count", "amount", "changed", "left"}} of rows of a statement. Raises Wrong."""
    lines, totals = {}, {}
    sums = defaultdict(lambda: {"count": Decimal(0), "amount": Decimal(0), "changed": Decimal(0), "left": Decimal(0)})
    for number, row in rows:
        record, sum_ = row["record"], sums[row["currency"]]
        if record in ("sale", "bonus"):
            if row["id"] in lines:
                raise Wrong(number, f"{row['id']} stands in the file twice")
            line = lines[row["id"]] = Line(number, row)
            line.check()
            for name, value in (("count", 1), ("amount", line.amount), ("left", line.left)):
                sum_[name] += value
        elif record == "change":
            if row["of"] not in lines:
                raise Wrong(number, f"changes {row['of']}, which is not above it")
            sum_["changed"] += lines[row["of"]].change(number, row)
        elif record == "total":
            totals[row["currency"]] = (number, row)
        else:
            raise Wrong(number, f"unknown record {record!r}")
    for line in lines.values():
        _same(line.number, "left", line.amount + line.changed, line.left)
    _check_totals(sums, totals)
    return dict(sums)


def _check_totals(sums, totals) -> None:
    for currency, sum_ in sums.items():
        if currency not in totals:
            raise Wrong(0, f"the total of {currency} is missing: the file was cut off")
        number, row = totals[currency]
        _same(number, "count (quantity)", sum_["count"], _number(number, row, "quantity"))
        _same(number, "sum of amounts (base)", sum_["amount"], _money(number, row, "base"))
        _same(number, "sum of changes (amount)", sum_["changed"], _money(number, row, "amount"))
        _same(number, "sum left (left)", sum_["left"], _money(number, row, "left"))


def _number(number: int, row: dict, name: str) -> Decimal:
    try:
        value = Decimal(row[name])
    except (InvalidOperation, TypeError):
        raise Wrong(number, f"{name} {row[name]!r} is no number") from None
    if not value.is_finite():
        raise Wrong(number, f"{name} {row[name]!r} is no number")
    return value


def _money(number: int, row: dict, name: str) -> Decimal:
    value = _number(number, row, name)
    if value != _round(value, row):
        raise Wrong(number, f"{name} {value} is finer than the currency")
    return value


def _round(value: Decimal, row: dict) -> Decimal:
    """Half up to the currency's digits, once."""
    return value.quantize(Decimal(1).scaleb(-int(row["decimals"])), rounding=ROUND_HALF_UP)


def _same(number: int, name: str, computed: Decimal, stated: Decimal) -> None:
    if computed != stated:
        raise Wrong(number, f"{name} should be {computed}, the file says {stated}")


def read(path: str):
    """(number of the line in the file, row) of each row. Raises Wrong if it is no statement."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise Wrong(1, "the columns are not those of a statement")
        for row in reader:
            if None in row or None in row.values() or row["decimals"] not in ("0", "1", "2", "3", "4"):
                raise Wrong(reader.line_num, "the row is not whole")
            yield reader.line_num, row


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m affiliates.verify statement.csv\n")
        return 2
    try:
        sums = check(read(arguments[0]))
    except Wrong as error:
        sys.stderr.write(f"WRONG, {error}\n")
        return 1
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        sys.stderr.write(f"cannot read {arguments[0]}: {error}\n")
        return 1
    for currency, sum_ in sorted(sums.items()):
        sys.stdout.write(f"{currency}: {sum_['count']} lines, earned {sum_['amount']}, changed {sum_['changed']}, "
                         f"left {sum_['left']}\n")
    sys.stdout.write("Every amount agrees.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
