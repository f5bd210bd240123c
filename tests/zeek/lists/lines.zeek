# @TEST-DOC: Plain lists and the CSV files of abuse.ch are read by the same rule.
#
# @TEST-EXEC: zeek $PACKAGE %INPUT > output
# @TEST-EXEC: TEST_DIFF_CANONIFIER=cat btest-diff output

event zeek_init()
	{
	for ( _, line in vector("E7D705A3286E19EA42F587B344EE6865 a bot, of some kind", "2026-01-02 03:04:05,0123456789abcdef0123456789abcdef01234567,Dridex C&C", "\"51c64c77e60f3980eea90869b68c58a8\",\"2017-07-14 18:08:15\",\"2019-07-28 00:42:06\",\"Adware\"",
	    "t13d1516h2_8daaf6152771_e5627efa2ab1 # odd tool",
	    "AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99",
	    "Firstseen,ja3_md5,Reason", "nothing here",
	    "x,y,e7d705a3286e19ea42f587b344ee6865",
	    "e7d705a3286e19ea42f587b344ee6865") )
		{
		local entry = AN1496::parse_entry(line);
		print fmt("[%s] [%s]", entry$id, entry$reason);
		}
	}
