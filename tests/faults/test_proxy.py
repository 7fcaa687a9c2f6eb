"""The proxy does to a connection what the faults say it does."""
import socket
import threading
import time

import pytest

from tests.faults.proxy import Proxy


@pytest.fixture
def echo():
    """(a proxy before a server that says everything back, what the server heard)."""
    listener, heard = socket.create_server(("127.0.0.1", 0)), []

    def serve(connection):
        while data := _receive(connection):
            heard.append(data)
            connection.sendall(data)

    def accept():
        while True:
            try:
                connection, _address = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    proxy = Proxy(listener.getsockname())
    yield proxy, heard
    proxy.close()
    listener.close()


def _receive(connection):
    try:
        return connection.recv(1000)
    except OSError:
        return b""


def _client(proxy, seconds=5.0):
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=seconds)


def _say(client, what):
    client.sendall(what)
    return client.recv(1000)


def test_it_passes_on_and_delays_both_ways(echo):
    proxy, _heard = echo
    with _client(proxy) as client:
        assert _say(client, b"hello") == b"hello"
        proxy.delay = 0.15
        began = time.monotonic()
        assert _say(client, b"late") == b"late"
        assert time.monotonic() - began >= 0.3


def test_what_is_lost_comes_late_and_in_order(echo):
    proxy, _heard = echo
    with _client(proxy) as client:
        proxy.loss = 0.5
        for number in range(20):
            client.sendall(b"%2d." % number)
        said = b""
        while len(said) < 60:
            said += client.recv(1000)
        assert said == b"".join(b"%2d." % number for number in range(20))


def test_a_cut_line_breaks_and_a_new_one_works(echo):
    proxy, _heard = echo
    with _client(proxy) as client:
        assert _say(client, b"a") == b"a"
        assert proxy.cut() == 1
        assert _receive(client) == b""
    with _client(proxy) as client:
        assert _say(client, b"b") == b"b"


def test_a_half_open_line_stays_open_and_carries_nothing(echo):
    proxy, heard = echo
    with _client(proxy, 0.3) as client:
        assert _say(client, b"a") == b"a"
        assert proxy.half_open() == 1
        client.sendall(b"b")
        with pytest.raises(TimeoutError):
            client.recv(10)
        assert heard == [b"a"]
        with _client(proxy) as other:
            assert _say(other, b"c") == b"c"


def test_cut_behind_a_word_the_server_has_heard_it_and_the_client_hears_nothing(echo):
    proxy, heard = echo
    proxy.cut_after = b"COMMIT"
    with _client(proxy) as client:
        assert _say(client, b"select") == b"select"
        client.sendall(b"COMMIT;")
        assert _receive(client) == b""
    assert heard == [b"select", b"COMMIT;"]
    assert proxy.cuts == 1


def test_refused_and_muted(echo):
    proxy, heard = echo
    proxy.refuse = True
    with _client(proxy) as client:
        assert _receive(client) == b""
    proxy.refuse, proxy.mute = False, True
    with _client(proxy, 0.3) as client:
        client.sendall(b"a")
        with pytest.raises(TimeoutError):
            client.recv(10)
    assert heard == [b"a"]
