"""A process that claims: `python -m tests.races.claimer DATABASE_URL OFFER MEMBER…` says "ready", and after a line each
member buys on and on for two seconds. Then what came of it, as JSON: batches, won, refused."""
import json
import sys
import threading
import time
import uuid

from campaigns.stock import claims
from campaigns.stock.batches import Batcher
from core.db import init_engine
from core.errors import Busy

SECONDS = 2


def main(url: str, offer: uuid.UUID, members: list[uuid.UUID]) -> None:
    found = {"batches": 0, "won": 0, "refused": 0}

    def run(batch, next_may_start):
        answers = claims.run_batch(batch, next_may_start)
        found["batches"] += 1
        found["won"] += sum(isinstance(answer, dict) for answer in answers)
        return answers

    def buy(who):
        while time.monotonic() < end:
            try:
                won = isinstance(batcher.call((who, uuid.uuid4().hex, offer, 1, False)), dict)
            except Busy:
                won = False
            found["refused"] += not won
    init_engine(url)
    batcher = Batcher(run)
    batcher.call((members[0], uuid.uuid4().hex, offer, 1, False))  # connections are open before the race
    found["batches"] = 0
    print("ready", flush=True)
    sys.stdin.readline()
    end = time.monotonic() + SECONDS
    threads = [threading.Thread(target=buy, args=(who,)) for who in members]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], uuid.UUID(sys.argv[2]), [uuid.UUID(one) for one in sys.argv[3:]])
