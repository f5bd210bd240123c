"""A resumed session uses the certificate of the session that it resumes. Pure."""

from collections.abc import Iterable
from typing import Final

import msgspec

from enricher.model.observation import Observation

_FACTS: Final = tuple(
    name
    for name in Observation.__struct_fields__
    if (
        name.startswith(("cert_", "san_", "basic_constraints_")) and name not in ("cert_visible", "cert_inherited_from")
    )
    or name in ("certificate_error", "validation_code", "validation_status", "sni_matches_cert")
)
"""What is true of the certificate whenever it is used again."""


def wants_certificate(o: Observation) -> bool:
    """Resumed, and the certificate was not sent again."""
    return o.resumed is True and not o.cert_visible and o.cert_chain_fps is None


def gives_certificate(full: Observation, o: Observation) -> bool:
    """`full` is an earlier full handshake of the same client with the same name at the same server."""
    return (
        not full.resumed
        and bool(full.cert_chain_fps)
        and (full.ts, full.uid) < (o.ts, o.uid)
        and (full.proto, full.orig_h, full.resp_h, full.resp_p, full.server_name)
        == (o.proto, o.orig_h, o.resp_h, o.resp_p, o.server_name)
    )


def inherit(o: Observation, handshakes: Iterable[Observation]) -> Observation:
    """The observation with the certificate of the latest full handshake that it can have resumed, if any."""
    full = max((h for h in handshakes if gives_certificate(h, o)), key=lambda h: (h.ts, h.uid), default=None)
    if full is None:
        return o
    facts = {name: getattr(full, name) for name in _FACTS if getattr(o, name) is None}
    return msgspec.structs.replace(o, **facts, cert_inherited_from=full.uid)
