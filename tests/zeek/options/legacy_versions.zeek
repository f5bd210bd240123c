# @TEST-DOC: TLS 1.2 is withdrawn.
#
# @TEST-EXEC: zeek -C -r $TRACES/handshakes/capture.pcapng $PACKAGE show %INPUT AN1496::ca_bundle=$TRACES/ca.pem > before
# @TEST-EXEC: zeek -C -r $TRACES/handshakes/capture.pcapng $PACKAGE show %INPUT AN1496::ca_bundle=$TRACES/ca.pem AN1496::legacy_versions+={\"TLSv12\"} > after
# @TEST-EXEC: diff before after > output || true
# @TEST-EXEC: test -s output
# @TEST-EXEC: btest-diff output

redef AN1496::only = /legacy_version/;
