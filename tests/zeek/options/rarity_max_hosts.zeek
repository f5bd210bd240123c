# @TEST-DOC: Fingerprints of more hosts than this are common; with 0, all are.
#
# @TEST-EXEC: zeek -C -r $TRACES/rarity/capture.pcap $PACKAGE lab show %INPUT AN1496::rarity_max_hosts=30 | grep "rare_fingerprint (" > output
# @TEST-EXEC: zeek -C -r $TRACES/rarity/capture.pcap $PACKAGE lab show %INPUT AN1496::rarity_max_hosts=0 > none
# @TEST-EXEC: test "$(grep -c rare_fingerprint none)" = 0
# @TEST-EXEC: btest-diff output

module AN1496;

redef only = /rare_fingerprint/;
