"""`make demo`: fill the running demo sale with people, show what happens, end with the check of the books."""
import random
import sys
import time

import click
from sqlalchemy import text

from core.checks import violations
from core.children import raise_file_limit
from core.commands import command
from core.db import reading

ARRIVALS = 20  # viewers a second: a page, a snapshot and a socket each, from the two cores that also serve them
HEAD = (f"{'time':>6} {'viewers':>8} {'claims/s':>9} {'won':>7} {'sold out':>9} {'paid':>7} {'p50 ms':>7} "
        f"{'p99 ms':>7} {'errors':>7}")


@command("demo")
@click.option("--viewers", default=200, show_default=True, type=click.IntRange(1, 5000))
@click.option("--minutes", default=3.0, show_default=True, type=click.FloatRange(0.1, 600))
@click.option("--speed", default=1.0, show_default=True, type=click.FloatRange(0.1, 60),
              help="How fast the host moves on.")
@click.option("--seed", default=20101201, show_default=True, help="For the same evening again.")
@click.option("--host/--no-host", default=True, help="Whether the demo's host runs the show, or you do.")
@click.pass_obj
def demo(app, viewers, minutes, speed, seed, host):
    """Simulated viewers watch, talk, claim and pay in the demo sale; ends with the check of the books."""
    import gevent

    from demo import audience, baskets, crowd
    from demo.accounts import HOST
    raise_file_limit()
    live_id = _sale()
    place = audience.address_of(app.config["LIVESTALL"].base_url)
    tally, dice = audience.Tally(), random.Random(seed)
    click.echo(f"{viewers} viewers come to {app.config['LIVESTALL'].base_url}/live/{live_id}")
    carts = baskets.read()
    people = []
    for n, (_name, cookie) in enumerate(crowd.gather(app, viewers)):
        own = random.Random(seed + n)
        people.append(audience.Viewer(place, live_id, cookie, _deal(carts, own), tally, own))
    for n, viewer in enumerate(people):
        gevent.spawn_later((n + dice.random()) / ARRIVALS, viewer.run)
    director = audience.Host(place, live_id, crowd.sign_in(app, HOST), tally, speed)
    if host:
        gevent.spawn_later(viewers / ARRIVALS + 2, director.run)
    _watch(tally, viewers / ARRIVALS + 2 + minutes * 60)
    director.done = True
    for viewer in people:
        viewer.done = True
    _finish(tally)


def _sale() -> str:
    """The demo show that is on air, or else the next one."""
    with reading() as db:
        row = db.execute(text("SELECT id FROM live_sessions WHERE state IN ('live', 'paused', 'scheduled') "
                              "ORDER BY state = 'scheduled', starts_at LIMIT 1")).first()
    if row is None:
        raise click.ClickException("There is no show to come to. Start one, or begin anew with: make reset run")
    return str(row.id)


def _deal(carts, own):
    """Baskets without end, from a place of one's own in the real evening."""
    start = own.randrange(len(carts))
    while True:
        yield carts[start % len(carts)]
        start += 1


def _watch(tally, seconds: float) -> None:
    import gevent
    start, last_claims, last = time.monotonic(), 0, time.monotonic()
    click.echo(HEAD)
    while time.monotonic() - start < seconds:
        gevent.sleep(1 if sys.stdout.isatty() else 5)
        now, claims = time.monotonic(), tally.counts["claims"]
        line = (f"{now - start:5.0f}s {tally.counts['viewers']:8} {(claims - last_claims) / (now - last):9.1f} "
                f"{tally.counts['won']:7} {tally.counts['sold_out']:9} {tally.counts['paid']:7} "
                f"{tally.percentile(0.5):7.0f} {tally.percentile(0.99):7.0f} {sum(tally.errors.values()):7}")
        click.echo(f"\r{line}" if sys.stdout.isatty() else line, nl=not sys.stdout.isatty())
        last_claims, last = claims, now


def _finish(tally) -> None:
    click.echo("\n" + ", ".join(f"{name} {count}" for name, count in sorted(tally.counts.items())))
    for what, count in tally.errors.most_common(10):
        click.echo(f"error {count} × {what}")
    with reading() as db:
        broken = violations(db)
        oversold = db.scalar(text("SELECT count(*) FROM offer_stock WHERE held + sold > allotment"))
    for name, row in broken[:20]:
        click.echo(f"BROKEN {name}: {row}")
    click.echo(f"oversold {oversold}, broken rules {len(broken)}, errors {sum(tally.errors.values())}")
    raise SystemExit(1 if broken or oversold or tally.errors else 0)
