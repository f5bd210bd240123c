# @TEST-DOC: Text of strangers becomes harmless; dates are UTC wherever Zeek runs; numbers are as the enricher writes them.
#
# @TEST-EXEC: TZ=Asia/Tokyo zeek $PACKAGE %INPUT > output
# @TEST-EXEC: TEST_DIFF_CANONIFIER=cat btest-diff output

event zeek_init()
	{
	print AN1496::printable("plain.example"), AN1496::printable(
	    "a\x00b\\c\x1b[31m\xc3\xa4");
	print AN1496::clean("bell \x07 rings");
	local long = AN1496::clean(string_cat("0123456789", join_string_vec(vector("", "", "",
	    ""), "0123456789012345678901234567890123456789012345678901234567890123456789")));
	print |long|, ends_with(long, "8\xe2\x80\xa6");
	for ( _, seconds in vector(0.0, -1.0, 951782399.0, 951782400.0, 951868800.0,
	    1795494116.7, 253402300799.0, -2208988800.0, 4107542400.0) )
		print AN1496::utc_date(double_to_time(seconds));
	for ( _, length in vector(0.0, 5400.0, 9000.0, 172799.0, 172800.0, 216000.0,
	    -172800.0, 34214400.0) )
		print AN1496::in_days(double_to_interval(length));
	}
