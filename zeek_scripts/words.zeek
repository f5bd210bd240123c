##! Text of strangers made harmless, and numbers in words. Pure functions.

module AN1496;

export {
	## Bytes from the wire as printable ASCII, all others and the backslash as `\xNN`.
	global printable: function(raw: string): string;

	## A fact about what strangers wrote, without what acts on a terminal, and with an end.
	global clean: function(fact: string): string;

	## The UTC date of a time, `YYYY-MM-DD`.
	global utc_date: function(t: time): string;

	## A duration in whole days, or in hours below two days.
	global in_days: function(d: interval): string;
}

const longest_fact = 200;
const controls = /[\x00-\x1f\x7f]/;

function printable(raw: string): string
	{
	if ( raw == /[\x20-\x5b\x5d-\x7e]*/ )
		return raw;

	local parts: vector of string = vector();
	for ( ch in raw )
		parts += ch == /[\x20-\x5b\x5d-\x7e]/ ? ch : "\\x" + bytestring_to_hexstr(ch);

	return join_string_vec(parts, "");
	}

function clean(fact: string): string
	{
	local shown = controls in fact ? gsub(fact, controls, "\xef\xbf\xbd") : fact;
	return |shown| <= longest_fact ? shown : sub_bytes(shown, 1, longest_fact - 1) +
	    "\xe2\x80\xa6";
	}

# strftime() would answer in the local time zone. Years are counted from March, so that the leap day is the last one.
function utc_date(t: time): string
	{
	local day: int = double_to_int(floor(time_to_double(t) / 86400.0)) + 719468;
	local era: int = ( day >= 0 ? day : day - 146096 ) / 146097;
	local day_of_era = day - era * 146097;
	local year_of_era = ( day_of_era - day_of_era / 1460 + day_of_era / 36524 -
	    day_of_era / 146096 ) / 365;
	local day_of_year = day_of_era - ( 365 * year_of_era + year_of_era / 4 -
	    year_of_era / 100 );
	local month_from_march = ( 5 * day_of_year + 2 ) / 153;
	local day_of_month = day_of_year - ( 153 * month_from_march + 2 ) / 5 + 1;
	local month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
	local year = year_of_era + era * 400 + ( month <= 2 ? 1 : 0 );
	return fmt("%04d-%02d-%02d", year, month, day_of_month);
	}

function in_days(d: interval): string
	{
	local seconds = interval_to_double(d);
	return seconds < 172800.0 && seconds > -172800.0 ? fmt("%.0f hours", seconds /
	    3600.0) : fmt("%.0f days", seconds / 86400.0);
	}
