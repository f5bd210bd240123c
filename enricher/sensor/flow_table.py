"""TCP connections: which packets belong together, who opened them, when they are over. Memory is bounded."""

from typing import Final

from enricher.sensor.connection import Connection, may_be_hello, may_begin
from enricher.sensor.contract import Counters, WireSettings
from enricher.sensor.flow import NEVER, Flow, Half
from enricher.sensor.hellos import Hellos
from enricher.sensor.negotiation import Report
from enricher.sensor.packet import ACK, FIN, PSH, RST, SYN, reverse
from enricher.sensor.reassembly import SEQUENCE_MASK, Chunk, Stream
from enricher.sensor.starttls import Dialogue

_MOST_PADDING: Final = 6
_PADDING: Final = (bytes(2), bytes(_MOST_PADDING))
"""What Ethernet adds to a bare header, with and without a VLAN tag; some devices count it into the length of IP."""
_MAX_WAITING: Final = 8
"""Segments of a direction whose start was not seen that may pass before it is taken for something else than TLS."""


class FlowTable:
    """Takes TCP segments, keeps the connections, reports each that turned out to be TLS once it is over."""

    def __init__(self, settings: WireSettings, counters: Counters, hellos: Hellos, report: Report) -> None:
        self._settings = settings
        self._counters = counters
        self._hellos = hellos
        self._report = report
        self.halves: dict[bytes, Half] = {}
        """Directions by key (see `packet`). Whoever knows a key early may pass over those that are `done`."""
        self._buffered = 0
        self._sweep_at = NEVER
        self._opened = 0
        """Connections since the last sweep."""

    def segment(
        self, frame: int, ts: float, key: bytes, data: bytes, start: int, stop: int, seq: int, flags: int
    ) -> None:
        """Take a TCP segment, its payload from `start` to `stop`."""
        half = self.halves.get(key)
        if half is not None and not flags & SYN:
            half.last = ts
            if half.done or (start >= stop and not flags & (FIN | RST)):
                return
            if seq == half.next and stop - start > _MOST_PADDING and not flags & (FIN | RST):
                half.go_on(stop - start)
                flow = half.flow
                self._decipher(flow, half.index, (data[start:stop], ts, frame))
                if not flow.done:
                    self._account(flow)
                return
        if flags & SYN:
            half = self._syn(half, key, seq, flags, ts)
            seq += 1
        elif half is None:
            if start >= stop:
                return
            half = self._open(key, ts)
        if half is not None:
            self._live(half, seq, flags, (data[start:stop], ts, frame))

    def close(self) -> None:
        """End of the capture: nobody knows how the open connections go on."""
        for flow in self._flows():
            self._end(flow, over=False)
            self._forget(flow)

    def _flows(self) -> list[Flow]:
        return [half.flow for half in self.halves.values() if half.index == 0]

    def _open(self, key: bytes, ts: float) -> Half:
        self._opened += 1
        if not self._sweep_at - 2 * self._settings.idle_timeout < ts < self._sweep_at:
            self._sweep(ts)
        if len(self.halves) >= 2 * self._settings.max_flows:
            self._evict()
        flow = Flow(key)
        self.halves[reverse(key)] = flow.halves[1]
        self.halves[key] = flow.halves[0]
        self._counters.flows += 1
        return flow.halves[0]

    def _syn(self, half: Half | None, key: bytes, seq: int, flags: int, ts: float) -> Half | None:
        """A SYN opens a connection, unless it repeats the one that is known or comes late for one."""
        if half is not None and half.syn != seq and not self._belongs(half, seq):
            self._end(half.flow, over=True)
            self._forget(half.flow)
            half = None
        if half is None:
            half = self._open(key, ts)
        flow = half.flow
        if flow.done:
            return None
        half.syn = seq
        flow.originator = 1 - half.index if flags & ACK else half.index
        return half

    @staticmethod
    def _belongs(half: Half, seq: int) -> bool:
        """Whether a SYN is the one of a direction whose SYN was not seen yet."""
        if half.syn is not None or half.flow.done:
            return False
        starts = [half.stream.expected] if half.stream else [waiting[0] for waiting in half.waiting]
        return all(0 < (start - seq) & SEQUENCE_MASK < 1 << 20 for start in starts)

    def _live(self, half: Half, seq: int, flags: int, chunk: Chunk) -> None:
        flow = half.flow
        payload, half.last, _ = chunk
        if payload and not half.lost:
            self._take(half, seq & SEQUENCE_MASK, flags, chunk)
            if flow.done:
                return
            self._account(flow)  # not earlier: an eviction forgets connections, also one that is being read or ended
            if flow.done:
                return
        if flags & (FIN | RST) and half.admits(seq):
            if flags & FIN:
                half.end = (seq if half.doubtful else seq + len(payload)) & SEQUENCE_MASK
            if flags & RST:
                self._end(flow, over=True)
                return
        if half.end is not None and flow.halves[0].over and flow.halves[1].over:
            self._end(flow, over=True)
        else:
            half.foresee()

    def _take(self, half: Half, seq: int, flags: int, chunk: Chunk) -> None:
        """Take what may be padding only once something comes behind it, not in its place."""
        self._settle(half, seq)
        if not half.flow.done:
            if chunk[0] in _PADDING and not flags & PSH:
                half.doubtful = seq, chunk
            else:
                self._payload(half, seq, chunk)

    def _settle(self, half: Half, seq: int | None) -> None:
        doubtful, half.doubtful = half.doubtful, None
        if doubtful is not None and doubtful[0] != seq:
            self._payload(half, *doubtful)

    def _payload(self, half: Half, seq: int, chunk: Chunk) -> None:
        flow = half.flow
        stream = half.stream or self._anchor(half, seq, chunk)
        if stream is not None:
            self._read(half, stream.accept(seq, chunk))
            while half.waiting:
                self._read(half, stream.accept(*half.waiting.pop(0)))
            while stream.waiting > self._settings.max_out_of_order and not flow.done:
                self._skip(half, stream)

    def _anchor(self, half: Half, seq: int, chunk: Chunk) -> Stream | None:
        """Where the direction's stream starts: after its SYN, else at the first segment that makes sense as a start."""
        flow = half.flow
        known = flow.connection is not None
        starts = may_begin if known else may_be_hello
        if half.syn is not None:
            half.stream = Stream(half.syn + 1)
        elif flow.dialogue is not None or starts(chunk[0]) or self._opens(half, chunk):
            half.stream = Stream(seq)
        else:
            half.waiting.append((seq, chunk))
            if len(half.waiting) > _MAX_WAITING:
                half.waiting.clear()
                half.lost = True
                if not known:
                    self._drop(flow)
        return half.stream

    @staticmethod
    def _opens(half: Half, chunk: Chunk) -> bool:
        """Whether a dialogue opens with this, after which TLS may follow."""
        dialogue = Dialogue(None, half.index, chunk[0])
        dialogue.feed(half.index, chunk)
        return dialogue.recognised

    def _read(self, half: Half, chunks: list[Chunk]) -> None:
        flow = half.flow
        for chunk in chunks:
            if flow.done:
                return
            tls: Chunk | None = chunk
            if flow.dialogue is not None or (flow.connection is None and not may_begin(chunk[0])):
                tls = self._listen(half, chunk)
            if tls is not None:
                self._decipher(flow, half.index, tls)

    def _listen(self, half: Half, chunk: Chunk) -> Chunk | None:
        """Take what may not be TLS yet; give what is."""
        flow = half.flow
        if flow.dialogue is None:
            flow.dialogue = Dialogue(flow.originator, half.index, chunk[0])
        tls = flow.dialogue.feed(half.index, chunk)
        if not flow.dialogue.possible:
            self._drop(flow)
        return tls

    def _decipher(self, flow: Flow, index: int, chunk: Chunk) -> None:
        connection = flow.connection
        if connection is None:
            connection = flow.connection = Connection(self._settings.max_message, self._hellos)
        connection.feed(index, chunk)
        negotiation = connection.negotiation
        if negotiation.not_tls:
            self._drop(flow)
        elif negotiation.established:
            self._end(flow, over=True)

    def _skip(self, half: Half, stream: Stream) -> None:
        missing, chunks = stream.skip()
        self._counters.bytes_missing += missing
        flow = half.flow
        if flow.dialogue is not None:
            flow.dialogue.gap(half.index)
        elif flow.connection is None:
            flow.connection = Connection(self._settings.max_message, self._hellos)
        if flow.connection is not None:
            flow.connection.gap(half.index, missing)
        self._read(half, chunks)

    def _account(self, flow: Flow) -> None:
        size = flow.buffered_now
        self._buffered += size - flow.buffered
        flow.buffered = size
        if self._buffered > self._settings.max_buffered:
            self._evict()

    def _drop(self, flow: Flow) -> None:
        self._counters.flows_not_tls += 1
        self._bury(flow)

    def _bury(self, flow: Flow) -> None:
        flow.done = True
        flow.connection = flow.dialogue = None
        self._buffered -= flow.buffered
        flow.buffered = 0
        for half in flow.halves:
            if half.stream is not None:
                self._counters.bytes_conflicting += half.stream.conflicting
            half.done = True
            half.stream = half.doubtful = None
            half.waiting.clear()

    def _end(self, flow: Flow, *, over: bool) -> None:
        """Report a connection. `over`: it is known to have ended; otherwise only our sight of it did."""
        if flow.done:
            return
        for half in flow.halves:
            self._settle(half, half.end)
            while half.stream is not None and half.stream.waiting:
                self._skip(half, half.stream)
        if flow.done:
            return
        connection, dialogue = flow.connection, flow.dialogue
        whole = flow.halves[0].whole and flow.halves[1].whole
        self._bury(flow)
        tls = connection is not None and connection.negotiation.client is not None
        if dialogue is not None and (dialogue.refused or not tls):
            self._counters.flows_not_tls += 1
            return
        if connection is None or not tls:
            return
        if dialogue is not None:
            connection.negotiation.proxy_target = dialogue.target
        self._counters.flows_tls += 1
        negotiation = connection.negotiation
        self._report(flow.key, flow.originator, negotiation, negotiation.outcome(over=over and whole))

    def _sweep(self, ts: float) -> None:
        """At times, close what has been silent for too long, in capture time."""
        if 32 * self._opened < len(self.halves):
            return  # a clock that jumps to and fro must not cost a look at all connections each time
        self.expire(ts)

    def expire(self, ts: float) -> None:
        """Close what has been silent for too long at this time."""
        self._opened = 0
        limit = ts - self._settings.idle_timeout
        self._sweep_at = ts + self._settings.idle_timeout / 4
        for flow in self._flows():
            if flow.last < limit:
                self._end(flow, over=True)
                self._forget(flow)

    def _evict(self) -> None:
        """Give up the sixteenth of the connections that has been silent longest."""
        flows = sorted(self._flows(), key=lambda flow: flow.last)
        for flow in flows[: len(flows) // 16 + 1]:
            if not flow.done:
                self._counters.flows_evicted += 1
                self._end(flow, over=False)
            self._forget(flow)

    def _forget(self, flow: Flow) -> None:
        for key, half in ((flow.key, flow.halves[0]), (reverse(flow.key), flow.halves[1])):
            if self.halves.get(key) is half:
                del self.halves[key]
            del half.flow  # a ring would wait for the collector, and a flood of connections fills memory faster
