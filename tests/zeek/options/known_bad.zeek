# @TEST-DOC: Fingerprints and certificates of the site's lists are found; the first list's reason counts.
#
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE LogAscii::use_json=T
# @TEST-EXEC: grep -o '"ja3":"[0-9a-f]*"' an1496.log | sort -u | head -1 | cut -d'"' -f4 > ja3.txt
# @TEST-EXEC: grep expired.zoo an1496.log | grep -o '"cert_chain_sha1s":."[0-9a-f]*"' | cut -d'"' -f4 | sed 's/$/ the expired one/' > one.txt
# @TEST-EXEC: sed 's/the expired one/told too late/; $ a nothing to see' one.txt > two.txt
# @TEST-EXEC: zeek -C -r $TRACES/certificates/capture.pcap $PACKAGE show %INPUT 'AN1496::known_bad=vector("ja3.txt", "one.txt", "two.txt")' > output 2> errors
# @TEST-EXEC: sed -E 's/(ja3|certificate) [0-9a-f]{32,}/\1 HASH/g' output | grep -v processing > found
# @TEST-EXEC: btest-diff found
# @TEST-EXEC: grep -o 'AN1496: .*' errors > told
# @TEST-EXEC: btest-diff told

redef AN1496::only = /known_bad.*/;
