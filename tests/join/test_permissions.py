"""A Redis user that may do what we say we need, and no more, is enough."""

import redis

from enricher.join.link import COMMANDS
from enricher.join.resolve import Join
from enricher.join.server import EmbeddedServer
from enricher.join.store import Store


def test_a_user_with_the_commands_that_we_name_suffices_for_a_whole_run(make):
    with EmbeddedServer() as server:
        admin = redis.Redis(unix_socket_path=str(server.socket))
        admin.execute_command("ACL", "SETUSER", "enricher", "on", ">secret", "~an1496:*", *(f"+{c}" for c in COMMANDS))
        with Store.open(f"unix://enricher:secret@{server.socket}") as store:
            store.put(
                [make.observe(ja4="t13d1517h2_8daaf6152771_b1ff8ab2d16f"), make.connect(), make.load(), make.start()]
            )
            (session,) = Join(store).sessions()
            assert store.prevalence([session.observation.ja4])[session.observation.ja4].hosts == 1
        assert session.process is not None
        assert session.process.libraries
        assert admin.dbsize() == 0
        admin.close()


def test_each_command_that_we_name_is_one_that_we_send(make):
    with EmbeddedServer() as server:
        admin = redis.Redis(unix_socket_path=str(server.socket))
        with Store.open(server.url) as store:
            store.put([make.observe(resumed=True, cert_visible=False), make.connect(port=1), make.load(), make.start()])
            list(Join(store).sessions())
            store.prevalence(["t13d1517h2_8daaf6152771_b1ff8ab2d16f"])
        sent = {name.removeprefix("cmdstat_") for name in admin.info("commandstats")}
        admin.close()
    assert set(COMMANDS) - sent <= {"pfadd", "zremrangebyrank"}  # need a fingerprint and a full key
