# @TEST-DOC: By default only sessions from local clients to servers outside give notices.
#
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE lab %INPUT Site::private_address_space_is_local=T > output
# @TEST-EXEC: test ! -s output -o "$(grep -c AN1496 output)" = 0
# @TEST-EXEC: test -s an1496.log
