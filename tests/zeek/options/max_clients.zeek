# @TEST-DOC: No more clients are remembered than these.
#
# @TEST-EXEC: zeek -C -r $TRACES/rarity/capture.pcap $PACKAGE lab show %INPUT AN1496::max_clients=21 | grep "rare_fingerprint (" > output
# @TEST-EXEC: btest-diff output

module AN1496;

redef only = /rare_fingerprint/;
