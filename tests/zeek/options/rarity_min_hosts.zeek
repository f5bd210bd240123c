# @TEST-DOC: Nothing is rare among fewer hosts than this.
#
# @TEST-EXEC: zeek -C -r $TRACES/rarity/capture.pcap $PACKAGE lab show %INPUT AN1496::rarity_min_hosts=24 | grep "rare_fingerprint (" > output
# @TEST-EXEC: zeek -C -r $TRACES/rarity/capture.pcap $PACKAGE lab show %INPUT AN1496::rarity_min_hosts=25 > more
# @TEST-EXEC: test "$(grep -c rare_fingerprint more)" = 0
# @TEST-EXEC: btest-diff output

module AN1496;

redef only = /rare_fingerprint/;
