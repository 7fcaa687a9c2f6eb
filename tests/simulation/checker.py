"""Looks at what is committed and at what people were told, and shares nothing with the code that keeps the rules."""
from collections import defaultdict

from tests.simulation.database import Violation


def row_check(table: str, key, row) -> None:
    """The CHECKs of the tables. In production they refuse; here their being needed is a violation already."""
    if table == "stock":
        numbers = [row[name] for name in ("reserve", "left", "held", "sold", "waiting")]
        if min(numbers) < 0 or sum(numbers[:4]) != row["allotment"]:
            raise Violation(f"stock {key} does not add up: {row}")
    if table == "units" and row["units"] < 0:
        raise Violation(f"units {key} below 0")
    if table == "payments" and not 0 <= row["refunded"] <= row["amount"]:
        raise Violation(f"payment {key} refunds more than it took: {row}")


class Checker:
    def __init__(self, members):
        self.members = members
        self.answers: dict[tuple, tuple] = {}  # (member, key) → what was asked and answered
        self.orders: dict[tuple, str] = {}
        self.commits = 0

    # -- at each commit

    def committed(self, tables: dict, changes: dict) -> None:
        self.commits += 1
        touched = set()
        for (table, key), (before, after) in changes.items():
            if table == "holds":
                self._one_end(key, before, after)
            if table == "claims" and before is not None and before != after:
                raise Violation(f"the answer to {key} was changed")
            if table == "line" and before and before["state"] != "waiting" and before != after:
                raise Violation(f"a place in line ended twice: {key}")
            if table == "stock":
                touched.add(key)
        if any(table in ("holds", "stock", "units", "orders", "line") for table, _ in changes):
            for name in touched:
                self._add_up(tables, name)
            self._turns(tables, changes)

    def _one_end(self, key, before, after) -> None:
        if before is not None and before["state"] != "held" and before["state"] != after["state"]:
            raise Violation(f"hold {key} ended twice: {before['state']}, then {after['state']}")

    def _add_up(self, tables, name) -> None:
        row = tables["stock"][name]
        holds = [h for h in tables.get("holds", {}).values() if h["stock"] == name]
        held = sum(h["quantity"] for h in holds if h["state"] == "held")
        bought = defaultdict(int)
        for order in tables.get("orders", {}).values():
            if order["stock"] == name and order["paid"]:
                bought[order["member"]] += order["quantity"] - order["returned"]
        if row["held"] != held:
            raise Violation(f"{name} says {row['held']} held, its holds say {held}")
        if row["sold"] != sum(bought.values()):
            raise Violation(f"{name} says {row['sold']} sold, its orders say {sum(bought.values())}")
        if held + sum(bought.values()) > row["allotment"]:
            raise Violation(f"{name} is oversold")
        for member in self.members:
            mine = bought[member] + sum(h["quantity"] for h in holds if h["member"] == member and h["state"] == "held")
            counted = tables.get("units", {}).get((name, member), {"units": 0})["units"]
            if mine > row["limit"]:
                raise Violation(f"{member} has {mine} of {name}, the limit is {row['limit']}")
            if mine != counted:
                raise Violation(f"{member} has {mine} of {name}, counted are {counted}")
        waiting = sum(e["stock"] == name and e["state"] == "waiting" for e in tables.get("line", {}).values())
        if waiting != row["waiting"]:
            raise Violation(f"{waiting} wait for {name}, it says {row['waiting']}")
        if waiting and row["left"]:
            raise Violation(f"{waiting} wait for {name} while {row['left']} are on sale")

    def _turns(self, tables, changes) -> None:
        """Who was served stood before everybody who still waits."""
        for (table, key), (before, after) in changes.items():
            if table == "line" and before and before["state"] == "waiting" and after["state"] == "served":
                for other in tables["line"].values():
                    if other["stock"] == after["stock"] and other["state"] == "waiting" and other["id"] < key:
                        raise Violation(f"place {key} was served before {other['id']}")

    # -- what people were told

    def claimed(self, member, key, stock, quantity, answer) -> None:
        if not isinstance(answer, tuple):
            return
        asked = (stock, quantity)
        told = self.answers.get((member, key))
        if answer[0] == "held":
            if told and told[1] not in (None, answer[1]):
                raise Violation(f"{member} {key}: first {told[1]}, then {answer[1]}")
            self.answers[member, key] = (asked, answer[1])
        elif told and told[1]:
            raise Violation(f"{member} {key}: first held, then {answer[0]}")

    def conflicted(self, member, key, first, answer) -> None:
        """Another body under a used key. "Sold out" from a process's memory is not kept (docs/decisions/0005-…), so
        behind it a key is still free."""
        if first[0] != "sold_out" and isinstance(answer, tuple) and answer[0] == "held":
            raise Violation(f"{member} {key}: another body under a used key was held")

    def ordered(self, member, key, order_id) -> None:
        if self.orders.setdefault((member, key), order_id) != order_id:
            raise Violation(f"{member} {key}: two orders")

    # -- the end

    def finish(self, tables: dict, bank) -> None:
        """Everything acknowledged is there once, nothing is still open, and the bank agrees to the cent."""
        claims = defaultdict(list)
        for row in tables.get("claims", {}).values():
            claims[row["member"], row["key"]].append(row)
        for (member, key), (asked, hold) in self.answers.items():
            rows = claims[member, key]
            if len(rows) != 1 or rows[0]["hold"] != hold or (rows[0]["stock"], rows[0]["quantity"]) != asked:
                raise Violation(f"{member} {key} was told {hold}, the books have {rows}")
            if hold not in tables["holds"]:
                raise Violation(f"{member} {key}: hold {hold} is not there")
        for name in tables["stock"]:
            self._add_up(tables, name)
        self._nothing_open(tables)
        self._orders(tables, bank)

    def _nothing_open(self, tables) -> None:
        for table, states in (("holds", ("held",)), ("payments", ("created", "pending", "unknown")),
                              ("refunds", ("pending",)), ("orders", ("awaiting_payment",))):
            for key, row in tables.get(table, {}).items():
                if row["state"] in states:
                    raise Violation(f"{table} {key} is still {row['state']}: {row}")

    def _orders(self, tables, bank) -> None:
        orders, payments = tables.get("orders", {}), tables.get("payments", {}).values()
        for (member, key), order_id in self.orders.items():
            mine = [o for o in orders.values() if (o["member"], o["key"]) == (member, key)]
            if [o["id"] for o in mine] != [order_id]:
                raise Violation(f"{member} {key} was told {order_id}, the books have {mine}")
        for order in orders.values():
            attempts = [p for p in payments if p["order"] == order["id"]]
            kept = sum(bank.kept(p["key"]) for p in attempts)
            owed = order["total"] - order["refunded"] if order["paid"] else 0
            if kept != owed:
                raise Violation(f"the bank keeps {kept} for order {order['id']}, {owed} is right: {order} {attempts}")
            if sum(p["state"] == "succeeded" for p in attempts) != order["paid"]:
                raise Violation(f"order {order['id']} and its payments differ: {order} {attempts}")
