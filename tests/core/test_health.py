from tests.factories import open_show


def test_alive_answers_without_any_part(client):
    assert client.get("/healthz").json == {"status": "alive"}


def test_ready_names_the_part_that_is_missing(client):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json == {"status": "degraded", "parts": {"database": None, "redis": None, "relay": "no leader"}}


def test_metrics_are_not_public(client):
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code == 404


def test_the_builders_agree_with_the_constraints(db):
    _shop, _host, show, offer, stock = open_show(db, units=7)
    db.commit()
    assert (stock.allotment, stock.left, show.state, offer.allotment) == (7, 7, "live", 7)
