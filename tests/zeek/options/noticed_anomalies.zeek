# @TEST-DOC: Other anomalies are worth a notice.
#
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE lab %INPUT AN1496::ca_bundle=$TRACES/ca.pem > before
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE lab %INPUT AN1496::ca_bundle=$TRACES/ca.pem AN1496::noticed_anomalies={\"no_sni\",\"expired\"} > after
# @TEST-EXEC: diff before after > output || true
# @TEST-EXEC: test -s output
# @TEST-EXEC: btest-diff output
