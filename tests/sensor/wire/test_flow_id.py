"""The names of a connection."""

import struct
from ipaddress import ip_address

from communityid import CommunityID, FlowTuple
from hypothesis import given
from hypothesis import strategies as st

from enricher.sensor.flow_id import community_id, uid
from enricher.sensor.packet import reverse

PORTS = st.integers(0, 65535)


def key(source, source_port, destination, destination_port):
    return (
        ip_address(source).packed + ip_address(destination).packed + struct.pack(">HH", source_port, destination_port)
    )


def test_the_community_id_is_that_of_the_specifications_examples():
    tcp = key("128.232.110.120", 34855, "66.35.250.204", 80)
    assert community_id(tcp, 6) == community_id(reverse(tcp), 6) == "1:LQU9qZlK+B5F3KDmev6m5PMibrg="
    udp = key("192.168.1.52", 54585, "8.8.8.8", 53)
    assert community_id(udp, 17) == community_id(reverse(udp), 17) == "1:d/FP5EW3wiY1vCndhwleRRKHowQ="


@given(
    st.one_of(st.tuples(*[st.ip_addresses(v=4)] * 2), st.tuples(*[st.ip_addresses(v=6)] * 2)),
    PORTS,
    PORTS,
    st.booleans(),
)
def test_the_community_id_is_the_reference_implementations(addresses, source_port, destination_port, same):
    source, destination = map(str, (addresses[0], addresses[0] if same else addresses[1]))
    made = key(source, source_port, destination, destination_port)
    for protocol, make in ((6, FlowTuple.make_tcp), (17, FlowTuple.make_udp)):
        expected = CommunityID().calc(make(source, destination, source_port, destination_port))
        assert community_id(made, protocol) == community_id(reverse(made), protocol) == expected


def test_a_uid_has_zeeks_form_and_depends_on_key_and_time():
    some = key("10.0.0.1", 1, "10.0.0.2", 2)
    names = {uid(some, 1.0), uid(some, 1.5), uid(reverse(some), 1.0)}
    assert len(names) == 3
    for name in names:
        assert name[0] == "C"
        assert len(name) == 18
        assert name.isalnum()
    assert uid(some, 1.0) == uid(some, 1.0)
