"""Names of the keys that a service keeps beside the records.

Each holds for one bucket (address and `keys.bucket_name`), host, topic or notice:

    t:{address}:bucket     what was told of each session of a bucket      hash: session → Standing
    w                      buckets with sessions that wait                score: until when at most
    e                      buckets with sessions that are not settled     score: when they are judged once more
    h:{host}               buckets with sessions that wait for the host   score: the session's time
    m:{host}               how far each source is with the host           hash: source, name, clock → Mark
    k:{host}               what each bucket told of the host's clocks     hash: bucket → Lesson
    y:{topic}              buckets whose sessions are told by a topic
    q:{notice}             buckets with sessions of a notice
    z:{notice}             the notice as it was told last                 hash: at, notice
    j:{…}                  the worker that is at a bucket or a notice
    d                      topics whose many listeners are judged later   score: when
    f                      notices to be told (anew)                      score: when
    s                      how far each input was read                    hash: source → position

Each expires when nothing was written to it for as long as records are kept, a lease (`j`) much earlier; `w`, `e`, `d`,
`f` and `s` stay. Braces are hash tags of Redis Cluster, as in `keys`: no command needs more than one key.
"""

from enricher.join.keys import short_name

Bucket = tuple[str, str]
"""Address and `keys.bucket_name`."""


class LiveKeys:
    """Key names under one namespace."""

    def __init__(self, namespace: str) -> None:
        self.waiting = f"{namespace}:w"
        self.unsettled = f"{namespace}:e"
        self.deferred = f"{namespace}:d"
        self.untold = f"{namespace}:f"
        self.positions = f"{namespace}:s"
        self._p = namespace

    def standings(self, bucket: Bucket) -> str:
        """What was told of a bucket's sessions."""
        return f"{self._p}:t:{{{bucket[0]}}}:{bucket[1]}"

    def lease(self, of: Bucket | str) -> str:
        """Who is at a bucket or a notice."""
        return f"{self._p}:j:{{{of}}}" if isinstance(of, str) else f"{self._p}:j:{{{of[0]}}}:{of[1]}"

    def awaiting(self, host: str) -> str:
        """Who waits for a host."""
        return f"{self._p}:h:{{{short_name(host)}}}"

    def marks(self, host: str) -> str:
        """How far sources are with a host."""
        return f"{self._p}:m:{{{short_name(host)}}}"

    def lessons(self, host: str) -> str:
        """What was learned of a host."""
        return f"{self._p}:k:{{{short_name(host)}}}"

    def topic(self, topic: str) -> str:
        """Who is told by a topic."""
        return f"{self._p}:y:{{{topic}}}"

    def members(self, notice: str) -> str:
        """Buckets of a notice."""
        return f"{self._p}:q:{{{notice}}}"

    def told(self, notice: str) -> str:
        """A notice as told."""
        return f"{self._p}:z:{{{notice}}}"
