##! Observes TLS sessions and writes one record of each to an1496.log: facts under the names of ssl.log and x509.log, and
##! what is abnormal about them.
##!
##! A session is finished where ssl.log's is: when it is established, else when its connection ends.

@load base/frameworks/logging
@load base/protocols/ssl
@load ./certificate
@load ./fingerprint
@load ./hello
@load ./options
@load ./session
@load ./trust
@load ./words

module AN1496;

export {
	redef enum Log::ID += { LOG };

	## Decides per record and filter what is logged.
	global log_policy: Log::PolicyHook;

	## Completes a session's facts by those of other sessions, before it is judged.
	global complete: hook(c: connection, s: Session);

	## Judges a chain, whoever sends it and when; handlers call `abnormal_chain`. What is found counts until `rules`
	## rises.
	global judge_chain: hook(chain: Chain);

	## Judges a session whose facts are complete; handlers call `abnormal`. This is where further anomalies, of this
	## package or another, are added.
	global judge: hook(c: connection, s: Session);

	## Runs for every session with its final record, right before that is logged.
	global finishing: hook(c: connection, rec: Info);

	## Raised for every session that is logged, with its final record. For scripts that build on it.
	global session_observed: event(rec: Info);
}

const fatal_alert = 2;

# The server switches to encryption after no more than what it may send in the clear when it resumes: HelloRequest,
# ServerHello, HelloVerifyRequest, ticket.
const abbreviated = /^[^xknruafwyeopgzmci]*i/;

event zeek_init() &priority=5
	{
	Log::create_stream(LOG, Log::Stream($columns=Info, $ev=session_observed,
	    $path="an1496", $policy=log_policy));
	}

event ssl_alert(c: connection, is_client: bool, level: count, desc: count)
	{
	if ( level == fatal_alert && c?$an1496 )
		c$an1496$fatal = T;
	}

event analyzer_violation_info(atype: AllAnalyzers::Tag,
    info: AnalyzerViolationInfo)
	{
	if ( ( atype == Analyzer::ANALYZER_SSL || atype == Analyzer::ANALYZER_DTLS )
	    && info?$c
	    && info$c?$an1496
	    && ! info$c$an1496$info?$handshake_error )
		info$c$an1496$info$handshake_error = clean(printable(info$reason));
	}

# Both directions were seen whole, and the connection is known to have ended; otherwise only our sight of it did.
function seen_to_its_end(c: connection): bool
	{
	if ( c$orig$num_pkts == 0 || c$resp$num_pkts == 0 || /[gG]/ in c$history )
		return F;

	if ( get_port_transport_proto(c$id$resp_p) == udp )
		return network_time() - ( c$start_time + c$duration ) >=
		    udp_inactivity_timeout;

	return c$orig$state == TCP_RESET
	    || c$resp$state == TCP_RESET
	    || ( c$orig$state == TCP_CLOSED && c$resp$state == TCP_CLOSED )
	    || network_time() - ( c$start_time + c$duration ) >= tcp_inactivity_timeout;
	}

function is_tls13(version: count): bool
	{
	return tls_version(version) == 0x0304 || version / 0xff == 0x7f;
	}

# What ssl.log knows as well.
function take_handshake(c: connection, s: Session)
	{
	local i = s$info;
	local ssl = c$ssl;
	i$community_id = community_id_v1(c$id);
	if ( ssl?$version )
		i$version = ssl$version;
	if ( ssl?$cipher )
		i$cipher = ssl$cipher;
	if ( ssl?$curve )
		i$curve = ssl$curve;
	if ( ssl?$server_name && ssl$server_name != "" )
		i$server_name = printable(ssl$server_name);
	if ( ssl?$next_protocol && ssl$next_protocol != "" )
		i$next_protocol = printable(ssl$next_protocol);
	if ( ssl?$last_alert )
		i$last_alert = ssl$last_alert;
	if ( ssl$ssl_history != "" )
		i$ssl_history = ssl$ssl_history;
	if ( s$server_hello_seen )
		i$resumed = ssl$resumed || ( abbreviated in ssl$ssl_history && ! is_tls13(
		    ssl$version_num) );
	if ( s?$hello && s$hello$retries_lower && ! i?$downgrade )
		i$downgrade = "scsv";
	if ( s$established )
		i$established = T;
	else if ( s$fatal || seen_to_its_end(c) )
		i$established = F;
	}

# Whether the server's certificate could be seen; absent as long as its flight was not seen to the end.
function take_visibility(c: connection, s: Session)
	{
	local i = s$info;
	if ( s?$chain || i?$certificate_error )
		i$cert_visible = T;
	else if ( s$server_hello_seen
	    && ( is_tls13(c$ssl$version_num) || i$resumed || /i/ in c$ssl$ssl_history ) )
		i$cert_visible = F;
	}

# Where the rules have changed since a chain was judged.
function judge_again(chain: Chain)
	{
	if ( chain$rules == rules )
		return;

	if ( chain?$leaf )
		chain$verdict = verify(chain$handles, network_time());
	chain$found = table();
	hook judge_chain(chain);
	chain$rules = rules;
	}

function take_chain(s: Session, at: time)
	{
	local i = s$info;
	local chain = s$chain;
	i$cert_chain_fps = chain$fps;
	i$cert_chain_sha1s = chain$sha1s;
	if ( chain?$error )
		i$certificate_error = chain$error;
	if ( chain?$leaf )
		i$certificate = chain$leaf;
	if ( chain?$san )
		i$san = chain$san;
	if ( chain?$basic_constraints )
		i$basic_constraints = chain$basic_constraints;
	if ( chain?$verdict )
		{
		i$validation_code = chain$verdict$code;
		i$validation_status = verdict_status(chain$verdict, at);
		}
	for ( id, fact in chain$found )
		s$found[id] = fact;
	if ( i?$server_name )
		{
		local covered = covers(chain, i$server_name);
		if ( covered || chain$names_complete )
			i$sni_matches_cert = covered;
		}
	}

function take_client_chain(c: connection, s: Session)
	{
	if ( ! c$ssl?$client_cert_chain || |c$ssl$client_cert_chain| == 0 )
		return;

	s$info$client_cert_chain_fps = vector();
	for ( _, one in c$ssl$client_cert_chain )
		if ( one?$sha256 )
			s$info$client_cert_chain_fps += one$sha256;
	}

function take_anomalies(s: Session)
	{
	local ids: vector of string = vector();
	for ( id in s$found )
		ids += id;
	if ( |ids| > 1 )
		sort(ids, strcmp);
	s$info$anomalies = ids;
	for ( _, each in ids )
		s$info$anomaly_facts += s$found[each];
	}

function finish(c: connection)
	{
	local s = c$an1496;
	if ( c?$ssl
	    && ( s$info$client_hello_seen || s$server_hello_seen || s$retry_seen ) )
		{
		take_handshake(c, s);
		if ( c$ssl?$cert_chain && |c$ssl$cert_chain| > 0 )
			s$chain = chain_facts(c$ssl$cert_chain);
		take_visibility(c, s);
		hook complete(c, s);
		if ( s?$chain )
			{
			judge_again(s$chain);
			take_chain(s, s$info$ts);
			}
		take_client_chain(c, s);
		hook judge(c, s);
		if ( |s$found| > 0 )
			take_anomalies(s);
		hook finishing(c, s$info);
		Log::write(LOG, s$info);
		}

	delete c$an1496;
	c$an1496_done = T;
	}

# SSL::ssl_finishing runs in this event at priority 20, before SSL::Info tells that the session is established.
event ssl_established(c: connection) &priority=21
	{
	if ( ! c?$an1496_done )
		observe(c)$established = T;
	}

# Below the priority at which the chain is filled. It also runs at every protocol violation and at the connection's end;
# the session of a violation may still go on.
hook SSL::ssl_finishing(c: connection) &priority=-5
	{
	if ( c?$an1496 && c$an1496$established )
		finish(c);
	}

# What was never established, once the connection is over and others have filled ssl.log's record.
hook SSL::finalize_ssl(c: connection) &priority=-5
	{
	if ( c?$an1496 )
		finish(c);
	}
