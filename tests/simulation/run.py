"""`python -m tests.simulation.run [RUNS] [SEED]`: evenings by chance, each looked at; one JSON line last.

A violation prints its seed and ends with exit code 1. With SEED, that one evening again, with where it went wrong.
"""
import json
import sys
import time
import traceback

from tests.simulation.database import Violation
from tests.simulation.people import evening

# What is forgotten on purpose, and what the checker must therefore see.
BUGS = {
    "forgot_lock": "claims and expiries do not lock the offer's row",
    "forgot_key": "an idempotency key is not looked up",
    "forgot_limit": "a claim does not look at the member's limit",
    "answers_early": "winners are told before the commit",
    "ends_twice": "a hold that has ended ends again",
    "forgot_line": "returned units go on sale past those who wait",
    "joins_blindly": "who joins the line is not served from what is on sale",
    "overtakes": "the last in line is served first",
    "charges_again": "a payment without an answer is charged again under a new key",
    "keeps_late_money": "money for an order that expired stays",
    "forgot_order_lock": "a payment is applied without a lock on its order",
    "refunds_again": "a refund without an answer is sent again under a new key",
}


def first_found(bug: str, most: int = 200) -> int | None:
    """The first seed from 0 whose evening shows a planted mistake; None if none of `most` does."""
    for seed in range(most):
        try:
            evening(seed, frozenset({bug}))
        except Violation:
            return seed
    return None


def main(runs: int, seed: int | None) -> int:
    if seed is not None:
        try:
            shop = evening(seed)
        except Violation:
            traceback.print_exc()
            return 1
        print(f"seed {seed}: no violation; {shop.checker.commits} commits, {shop.world.crashes} crashes")
        return 0
    began, commits, crashes, steps = time.monotonic(), 0, 0, 0
    for number in range(runs):
        try:
            shop = evening(number)
        except Exception as broken:
            traceback.print_exc()
            print(f"VIOLATION in run {number}: {broken}\nagain with: make simulate SEED={number}")
            print(json.dumps({"runs": number + 1, "violations": 1, "seed": number}))
            return 1
        commits, crashes, steps = commits + shop.checker.commits, crashes + shop.world.crashes, steps + shop.world.steps
        if sys.stdout.isatty() and number % 100 == 99:
            print(f"{number + 1} runs, {time.monotonic() - began:.0f} s", end="\r", flush=True)
    found = {bug: first_found(bug) for bug in BUGS}
    for bug, at in found.items():
        print(f"control: {BUGS[bug]}: {'NOT FOUND' if at is None else f'found in run {at + 1}'}")
    print(json.dumps({"runs": runs, "violations": 0, "steps": steps, "commits": commits, "crashes": crashes,
                      "seconds": round(time.monotonic() - began, 1),
                      "controls_found": sum(at is not None for at in found.values()), "controls": len(found)}))
    return int(None in found.values())


if __name__ == "__main__":
    words = [int(word) for word in sys.argv[1:] if word]
    sys.exit(main(words[0] if words else 10_000, words[1] if len(words) > 1 else None))
