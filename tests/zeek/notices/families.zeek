# @TEST-DOC: One notice per family of anomalies, client, server and facts; each tells the fact. Weak hints give none.
#
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE lab %INPUT AN1496::ca_bundle=$TRACES/ca.pem > output
# @TEST-EXEC: zeek -C -r $TRACES/handshakes/capture.pcapng $PACKAGE lab %INPUT AN1496::ca_bundle=$TRACES/ca.pem >> output
# @TEST-EXEC: btest-diff output
