##! AN1496: flags TLS sessions whose handshake or certificate chain is abnormal, and writes one record per session to
##! an1496.log.

@load ./main
@load ./proxy
@load ./resumption
@load ./certificate-dates
@load ./certificate-issuer
@load ./certificate-names
@load ./certificate-strength
@load ./handshake
@load ./intelligence
@load ./notices
@load ./telemetry
@load ./quic
@load ./rarity
@load ./feedback
@load ./publish
