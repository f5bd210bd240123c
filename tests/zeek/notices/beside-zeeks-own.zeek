# @TEST-DOC: What validate-certs, weak-keys and expiring-certs tell is not told again, whichever is loaded first.
#
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE policy/protocols/ssl/validate-certs policy/protocols/ssl/weak-keys policy/protocols/ssl/expiring-certs lab %INPUT > output
# @TEST-EXEC: grep -c '^AN1496::Certificate_Issuer' output > issuer || true
# @TEST-EXEC: grep -c '^AN1496.*weak_key' output > weak || true
# @TEST-EXEC: grep -cE '^AN1496.*(expired|not_yet_valid)' output > dates || true
# @TEST-EXEC: grep -c '^SSL::' output > zeek
# @TEST-EXEC: cat issuer weak dates > output2
# @TEST-EXEC: btest-diff output2
# @TEST-EXEC: test "$(cat zeek)" -gt 5
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap policy/protocols/ssl/validate-certs policy/protocols/ssl/weak-keys policy/protocols/ssl/expiring-certs $PACKAGE lab %INPUT > other-order
# @TEST-EXEC: cmp output other-order

redef SSL::notify_weak_keys = ALL_HOSTS;
redef SSL::notify_certs_expiration = ALL_HOSTS;
