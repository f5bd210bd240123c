"""What was told of the sessions of a bucket, as far as they are still kept."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from enricher.join.changes import Changes
from enricher.join.codec import decode_all
from enricher.join.live_keys import Bucket, LiveKeys
from enricher.join.routing import SEP
from enricher.join.store import Store
from enricher.join.waiting import Standing, is_identity, name
from enricher.model.observation import Observation

_standing: Final = msgspec.msgpack.Decoder(Standing)


class Standings:
    """Batched reads."""

    def __init__(self, store: Store, keys: LiveKeys) -> None:
        self._store = store
        self._keys = keys

    def read(
        self, sessions: Mapping[Bucket, Collection[str]], changes: Changes | None
    ) -> dict[Bucket, dict[str, Standing]]:
        """What was told in some buckets, by `waiting.identities`.

        A session that is none of its own any more, although its observation is kept, is a duplicate of another. Where
        the observation is kept no longer, nothing is concluded: what was told stays as it is, and is forgotten.

        Args:
            sessions: those that there are now.
            changes: takes what is forgotten; None: the buckets are not ours.
        """
        answers = self._store.read([("HGETALL", self._keys.standings(bucket)) for bucket in sessions])
        told = dict(zip(sessions, map(_read, answers), strict=True))
        for bucket, ids in self._forgotten({b: there.keys() - set(sessions[b]) for b, there in told.items()}):
            gone = {id_: told[bucket].pop(id_) for id_ in ids}
            if changes is not None:
                changes.standings(bucket, dict.fromkeys(gone))
                for host in {standing.awaits for standing in gone.values() if standing.awaits is not None}:
                    changes.awaits(bucket, host, None)
        return told

    def _forgotten(self, missing: Mapping[Bucket, Iterable[str]]) -> Iterable[tuple[Bucket, set[str]]]:
        """Those of some sessions of which no observation is kept."""
        asked = [bucket for bucket, ids in missing.items() if ids]
        members = self._store.members([self._store.keys.observations(*bucket) for bucket in asked])
        for bucket, blobs in zip(asked, members, strict=True):
            kept = set(map(name, decode_all(blobs, Observation)))
            yield bucket, {id_ for id_ in missing[bucket] if SEP.join(id_.split(SEP)[:5]) not in kept}


def _read(flat: Sequence[bytes]) -> dict[str, Standing]:
    found = {}
    for id_, blob in zip(flat[::2], flat[1::2], strict=True):
        try:
            text, standing = id_.decode("utf-8", "surrogatepass"), _standing.decode(blob)
        except (msgspec.DecodeError, UnicodeDecodeError):  # others can write under our keys
            continue
        if is_identity(text):
            found[text] = standing
    return found
