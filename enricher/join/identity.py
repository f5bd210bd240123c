"""Which names are one host. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

_SAME_HOST: Final = 16
"""More names than a host ever has: a ProcessGuid that is reported under more says nothing."""

_NETBIOS: Final = 15
"""NetBIOS names end here; a longer DNS name has a NetBIOS name that is its first 15 characters."""


def is_address(name: str) -> bool:
    """An IP address in the place of a name: its dots separate no labels."""
    return ":" in name or name.replace(".", "").isdigit()


def label(name: str) -> str:
    """The first label."""
    return name if is_address(name) else name.partition(".")[0]


def _is_fqdn(name: str) -> bool:
    return "." in name and not is_address(name)


def _abbreviates(short: str, name: str) -> bool:
    """`short` is the other name without domain, or its NetBIOS form."""
    full = label(name)
    return short == full or (len(short) == _NETBIOS and full[:_NETBIOS] == short)


class _Sets:
    """Disjoint sets; the smallest name is the root, so the result does not depend on the order of joining."""

    def __init__(self, names: Iterable[str]) -> None:
        self._parent = {name: name for name in names}

    def root(self, name: str) -> str:
        while self._parent[name] != name:
            name = self._parent[name]
        return name

    def join(self, a: str, b: str) -> None:
        low, high = sorted((self.root(a), self.root(b)))
        self._parent[high] = low


def shared_names(guids: Mapping[str, AbstractSet[str]]) -> Iterable[tuple[str, str]]:
    """Pairs of names that share ProcessGuids, from guid → names that reported it.

    One host told by two routes shares most of what the quieter route tells. Half of the smaller set is asked for, so
    that a host cannot make itself another by repeating one guid of it among its own.
    """
    own: defaultdict[str, int] = defaultdict(int)
    common: defaultdict[tuple[str, str], int] = defaultdict(int)
    for names in guids.values():
        if len(names) > _SAME_HOST:
            continue
        for name in names:
            own[name] += 1
        ordered = sorted(names)
        for at, a in enumerate(ordered):
            for b in ordered[at + 1 :]:
                common[a, b] += 1
    return sorted(pair for pair, n in common.items() if 2 * n >= min(own[pair[0]], own[pair[1]]))


def canonical_names(machines: Mapping[str, AbstractSet[str]], shared: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    """Each name's canonical name: the FQDN of its host if any, else the longest name.

    Args:
        machines: name → machine parts of the ProcessGuids it reported (the first group).
        shared: names that report the same processes: one host, whatever they look like.

    A name without domain is the host whose FQDN begins with it. Where several FQDNs do, the machine part decides; where
    that does not, the name stays a host of its own. A machine part alone joins nothing: cloned images share it.
    """
    sets = _Sets(machines)
    for a, b in shared:
        sets.join(a, b)
    by_label: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(machines):
        by_label[label(name)[:_NETBIOS]].append(name)
    for names in by_label.values():
        for short in names:
            if is_address(short) or _is_fqdn(short):
                continue
            longer = [n for n in names if n != short and not is_address(n) and _abbreviates(short, n)]
            hosts = {sets.root(n) for n in longer if _is_fqdn(n)} or {sets.root(n) for n in longer}
            if len(hosts) > 1:
                hosts = {sets.root(n) for n in longer if sets.root(n) in hosts and machines[n] & machines[short]}
            if len(hosts) == 1:
                sets.join(short, hosts.pop())
    members: defaultdict[str, list[str]] = defaultdict(list)
    for name in machines:
        members[sets.root(name)].append(name)
    best = {root: min(names, key=lambda n: (not _is_fqdn(n), -len(n), n)) for root, names in members.items()}
    return {name: best[sets.root(name)] for name in machines}
