"""A Redis Cluster as one connection: each command goes to the node that has its key's slot.

Our commands have one key each, and may be carried out twice. So a command that a node sends elsewhere, because its slot
moves, simply goes there; and when a node is gone, all is done again over a new cluster connection.
"""

import time
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import redis
from redis.crc import key_slot
from redis.exceptions import AskError, MovedError, TryAgainError

from enricher.errors import StoreError
from enricher.join.link import Link, explain, seeds
from enricher.join.routing import Command
from enricher.join.settings import StoreSettings

_REDIRECTIONS: Final = 32
"""So often a command is sent elsewhere before we give up: a slot that moves takes a moment."""
_MOMENT: Final = 0.05

_KEY_AT: Final = {"EVAL": 3, "XGROUP": 2, "XINFO": 2}
"""Where a command's key stands, if not first."""

Node = tuple[str, int]
"""Host and port."""


class Cluster:
    """Links to the nodes of one cluster; used as a `Link` is."""

    def __init__(self, url: str, settings: StoreSettings) -> None:
        """Ask the given hosts, one after the other, who has what.

        Raises:
            UsageError: the URL cannot be read.
            ConfigError: `store.ca_file` holds no certificates.
            StoreError: none of them answers, or it is no cluster.
        """
        self._url = url
        self._settings = settings
        self._links: dict[Node, Link] = {}
        self._nodes: dict[int, Node] = {}
        """Slot → its master."""
        self._sent: deque[tuple[Node, Command]] = deque()
        self._learn()

    def send(self, commands: Iterable[Command]) -> int:
        """Send commands without waiting for replies; how many there were."""
        by_node: defaultdict[Node, list[Command]] = defaultdict(list)
        count = 0
        for command in commands:
            node = self._node(command)
            by_node[node].append(command)
            self._sent.append((node, command))
            count += 1
        for node, mine in by_node.items():
            self._link(node).send(mine)
        return count

    def receive(self, count: int) -> list[Any]:
        """The replies to the `count` oldest commands, in their order.

        Raises:
            StoreError: a node refused one of them, or went away.
        """
        sent = [self._sent.popleft() for _ in range(count)]
        by_node: defaultdict[Node, int] = defaultdict(int)
        for node, _ in sent:
            by_node[node] += 1
        answers = {node: iter(self._link(node).answers(many)) for node, many in by_node.items()}
        replies = [next(answers[node]) for node, _ in sent]
        self._redirect(sent, replies)
        for (node, _), reply in zip(sent, replies, strict=True):
            if isinstance(reply, redis.ResponseError):
                raise explain(reply, self._link(node).where)
        return replies

    def run(self, commands: Iterable[Command]) -> list[Any]:
        """Send and wait; nothing may be in flight."""
        return self.receive(self.send(commands))

    def secure(self) -> None:
        """Wait until what was written is with as many replicas of each node as `store.replicas` says.

        Raises:
            StoreError: it is not.
        """
        for link in self._links.values():
            link.secure()

    def close(self) -> None:
        """Hang up."""
        for link in self._links.values():
            link.close()
        self._links.clear()

    def _redirect(self, sent: Sequence[tuple[Node, Command]], replies: list[Any]) -> None:
        """Send what was refused because its slot is elsewhere, or moves, to where it is; in order, for each key."""
        for _ in range(_REDIRECTIONS):
            refused = [at for at, reply in enumerate(replies) if isinstance(reply, AskError | TryAgainError)]
            if not refused:
                return
            if any(isinstance(replies[at], TryAgainError) for at in refused):
                time.sleep(_MOMENT)
            for at in refused:
                replies[at] = self._once_more(*sent[at], replies[at])

    def _once_more(self, node: Node, command: Command, refusal: redis.ResponseError) -> Any:
        asking: list[Command] = []
        if isinstance(refusal, AskError):  # which MovedError is, too
            node = (refusal.host or node[0], refusal.port)
            if isinstance(refusal, MovedError):
                self._nodes[refusal.slot_id] = node
            else:
                asking = [("ASKING",)]
        link = self._link(node)
        return link.answers(link.send([*asking, command]))[-1]

    def _node(self, command: Command) -> Node:
        name = command[0]
        at = command.index("STREAMS") + 1 if name == "XREADGROUP" else _KEY_AT.get(str(name), 1)
        key = command[at]
        slot = key_slot(key if isinstance(key, bytes) else str(key).encode("utf-8", "surrogatepass"))
        node = self._nodes.get(slot)
        if node is None:
            raise StoreError(f"no node of the Redis Cluster has slot {slot}", "see `redis-cli --cluster check`")
        return node

    def _link(self, node: Node) -> Link:
        link = self._links.get(node)
        if link is None:
            host, port = node
            parts = urlsplit(seeds(self._url)[0])
            user, at, _ = parts.netloc.rpartition("@")
            where = f"[{host}]" if ":" in host else host
            url = urlunsplit(parts._replace(netloc=f"{user}{at}{where}:{port}"))
            link = self._links[node] = Link(url, self._settings)
        return link

    def _learn(self) -> None:
        failure: StoreError | None = None
        for url in seeds(self._url):
            try:
                link = Link(url, self._settings)
                try:
                    (ranges,) = link.run([("CLUSTER", "SLOTS")])
                finally:
                    link.close()
            except StoreError as error:
                failure = failure or error
                continue
            known = urlsplit(url).hostname or ""
            for first, last, master, *_ in ranges:
                host = (master[0] or b"").decode("ascii", "replace")
                self._nodes.update(dict.fromkeys(range(first, last + 1), (host or known, master[1])))
            return
        assert failure is not None
        raise failure


def connect(url: str, settings: StoreSettings) -> "Link | Cluster":
    """A connection to what the settings say it is: one server, or a cluster.

    Raises:
        UsageError, ConfigError, StoreError: see `Link`.
    """
    return Cluster(url, settings) if settings.cluster else Link(url, settings)
