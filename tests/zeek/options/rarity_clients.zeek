# @TEST-DOC: Which clients are counted: local ones by default, nobody where the enricher counts.
#
# @TEST-EXEC: zeek -C -r $TRACES/rarity/capture.pcap $PACKAGE lab show %INPUT AN1496::rarity_clients=LOCAL_HOSTS | grep -c rare_fingerprint > output
# @TEST-EXEC: zeek -C -r $TRACES/rarity/capture.pcap $PACKAGE lab show %INPUT AN1496::rarity_clients=REMOTE_HOSTS > remote
# @TEST-EXEC: zeek -C -r $TRACES/rarity/capture.pcap $PACKAGE lab show %INPUT AN1496::rarity_clients=NO_HOSTS > nobody
# @TEST-EXEC: cat remote nobody | grep -c rare_fingerprint >> output || true
# @TEST-EXEC: btest-diff output

module AN1496;

redef only = /rare_fingerprint/;
