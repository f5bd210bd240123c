##! Plays the QUIC analyzer on a Zeek that has none, as far as the package knows it.

module Analyzer;

export {
	const ANALYZER_QUIC = T;
}

module QUIC;

export {
	type Info: record {
		ts: time;
		version: string;
	};

	global handshake_packet: event(c: connection, is_orig: bool, version: count,
	    dcid: string, scid: string);

	global retry_packet: event(c: connection, is_orig: bool, version: count,
	    dcid: string, scid: string, retry_token: string,
	    integrity_tag: string);

	global connection_close_frame: event(c: connection, is_orig: bool,
	    version: count, dcid: string, scid: string, error_code: count,
	    reason_phrase: string);
}

redef record connection += {
	quic: Info &optional;
};
