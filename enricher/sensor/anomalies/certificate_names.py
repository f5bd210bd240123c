"""Whom the leaf certificate names."""

import re
from typing import Final

from enricher.sensor.anomalies._case import Case, Rule
from enricher.sensor.distinguished_name import attributes

_NOT_WORD: Final = re.compile(r"[^0-9a-zA-Z_]+")


def _sni_mismatch(case: Case) -> str | None:
    """The certificate is not for the name that the client asked for."""
    o = case.observation
    if o.sni_matches_cert is not False:
        return None
    names = ", ".join((*(o.san_dns or ()), *(o.san_ip or ()))[:3]) or o.cert_subject
    return f"asked for {o.server_name}, got {names}"


def _default_subject(case: Case) -> str | None:
    """The names are those that a tool fills in unless told otherwise."""
    o = case.observation
    if o.cert_subject is None:
        return None
    names = (o.cert_subject, o.cert_issuer or "")
    both = "\n".join(names)
    mentioned = [default for default in case.thresholds.default_subjects if default.partition(",")[0] in both]
    for default in sorted(mentioned):
        if any(_holds(name, default) for name in names):
            return default
    if o.cert_subject == o.cert_issuer and _metasploit(attributes(o.cert_subject)):
        return f"form of Metasploit's random names: {o.cert_subject}"
    if "CN=localhost" in o.cert_subject and o.san_dns is None and o.san_ip is None and _is_localhost(o.cert_subject):
        return "CN=localhost and no alternative name"
    return None


def _is_localhost(name: str) -> bool:
    """Whether this is a name's only common name."""
    return [value for kind, value in attributes(name) if kind == "CN"] == ["localhost"]


def _holds(name: str, default: str) -> bool:
    """Whether a name has all attributes of a default."""
    return set(attributes(default)) <= set(attributes(name))


def _metasploit(subject: tuple[tuple[str, str], ...]) -> bool:
    """Metasploit makes up a company, derives the host name from it, and the mail address from unit and host.

    (lib/msf/core/cert_provider.rb: C, ST, O, OU, CN, emailAddress in this order.)
    """
    if tuple(kind for kind, _ in subject) != ("emailAddress", "CN", "OU", "O", "ST", "C"):
        return False
    mail, host, unit, company, _, country = (value for _, value in subject)
    label = _NOT_WORD.sub(".", company.replace("\\", "").lower().replace("and", ""))
    return country == "US" and mail == f"{unit}@{host}" and host.rpartition(".")[0] == label


RULES: Final[dict[str, Rule]] = {"sni_mismatch": _sni_mismatch, "default_subject": _default_subject}
