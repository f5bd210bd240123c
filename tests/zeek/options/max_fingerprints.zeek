# @TEST-DOC: The rarity of fingerprints beyond these is not known.
#
# @TEST-EXEC: zeek -C -r $TRACES/rarity/capture.pcap $PACKAGE lab show %INPUT AN1496::max_fingerprints=1 > one
# @TEST-EXEC: zeek -C -r $TRACES/rarity/capture.pcap $PACKAGE lab show %INPUT AN1496::max_fingerprints=2 > two
# @TEST-EXEC: grep -c rare_fingerprint one two > output || true
# @TEST-EXEC: btest-diff output

module AN1496;

redef only = /rare_fingerprint/;
