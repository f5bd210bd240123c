##! Plays the QUIC analyzer on a Zeek that has none, as far as the package knows it.

module Analyzer;

export {
	const ANALYZER_QUIC = T;
}

module QUIC;

export {
	type Info: record {
		version: string;
	};

	global handshake_packet: event(c: connection, is_orig: bool, version: count,
	    dcid: string, scid: string);
}

redef record connection += {
	quic: Info &optional;
};
