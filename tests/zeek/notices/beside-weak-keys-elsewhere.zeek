# @TEST-DOC: Where weak-keys is loaded but watches local servers only, as it does by default, the servers outside are ours.
#
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE policy/protocols/ssl/weak-keys lab %INPUT > all
# @TEST-EXEC: grep weak_key all > output
# @TEST-EXEC: btest-diff output
