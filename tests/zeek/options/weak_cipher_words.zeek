# @TEST-DOC: CBC is broken.
#
# @TEST-EXEC: zeek -C -r $TRACES/handshakes/capture.pcapng $PACKAGE show %INPUT AN1496::ca_bundle=$TRACES/ca.pem > before
# @TEST-EXEC: zeek -C -r $TRACES/handshakes/capture.pcapng $PACKAGE show %INPUT AN1496::ca_bundle=$TRACES/ca.pem AN1496::weak_cipher_words+={\"CBC\"} > after
# @TEST-EXEC: diff before after > output || true
# @TEST-EXEC: test -s output
# @TEST-EXEC: btest-diff output

redef AN1496::only = /weak_cipher/;
