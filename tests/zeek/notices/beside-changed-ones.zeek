# @TEST-DOC: What weak-keys and validate-certs hold to be good, by options of theirs or by certificates that they remember, is told by us; what they hold to be bad is not. Whichever is loaded first.
#
# @TEST-EXEC: for t in certificates/capture.pcap handshakes/capture.pcapng; do zeek -C -r $TRACES/$t $PACKAGE policy/protocols/ssl/validate-certs policy/protocols/ssl/weak-keys lab %INPUT AN1496::ca_bundle=$TRACES/ca.pem; done > all
# @TEST-EXEC: sed -n -E 's/^(AN1496::[a-zA-Z_]*) ([a-z_,]*): .*/\1 \2/p' all | sort -u > output
# @TEST-EXEC: btest-diff output
# @TEST-EXEC: for t in certificates/capture.pcap handshakes/capture.pcapng; do zeek -C -r $TRACES/$t policy/protocols/ssl/validate-certs policy/protocols/ssl/weak-keys $PACKAGE lab %INPUT AN1496::ca_bundle=$TRACES/ca.pem; done > all
# @TEST-EXEC: sed -n -E 's/^(AN1496::[a-zA-Z_]*) ([a-z_,]*): .*/\1 \2/p' all | sort -u > other-order
# @TEST-EXEC: cmp output other-order

redef SSL::notify_weak_keys = ALL_HOSTS;
redef SSL::notify_minimal_key_length = 512;
redef SSL::tls_minimum_version = SSL::TLSv12;
redef SSL::unsafe_ciphers_regex = /nothing/;

hook SSL::ssl_finishing(c: connection) &priority=10
	{
	if ( c$ssl?$validation_code )
		c$ssl$validation_code = 0;
	}
