"""What counts as abnormal, in numbers and words. The Zeek package shares names and defaults."""

import msgspec

Words = frozenset[str]


class Thresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every number and set behind the anomalies. Days are 86400 seconds."""

    short_validity_days: int = 30
    """`short_validity`: an untrusted certificate that lives less. Public authorities issue for 6 days and more, so
    trusted ones are never judged; appliances and private authorities issue for a year or more."""
    long_validity_days: int = 3660
    """`long_validity` of certificates that are not publicly trusted: more than ten years and their leap days, the
    longest that tools and appliances make by habit."""
    public_validity_limits: bool | None = None
    """`long_validity` of trusted certificates by the limits of the CA/Browser Forum at their issue. Unset: only where
    the public roots are trusted, not the user's own bundle, whose private authorities those limits do not bind."""

    weak_rsa_bits: int = 2048
    """`weak_key`: RSA, RSA-PSS and DSA keys below this (NIST SP 800-57 part 1: 112 bits of strength)."""
    weak_ec_bits: int = 224
    """`weak_key`: elliptic curve keys below this (the same strength)."""
    weak_signature_algorithms: Words = frozenset(
        {
            "md2WithRSAEncryption",
            "md4WithRSAEncryption",
            "md5WithRSAEncryption",
            "md5WithRSA",
            "shaWithRSAEncryption",
            "sha1WithRSAEncryption",
            "sha1WithRSA",
            "dsaWithSHA",
            "dsaWithSHA1",
            "dsaWithSHA1-old",
            "ecdsa-with-SHA1",
        }
    )
    """`weak_signature`: hashes with practical collisions, under OpenSSL's names."""

    default_subjects: Words = frozenset(
        {
            # What `openssl req` and its distributors' configurations fill in.
            "O=Internet Widgits Pty Ltd",
            "O=Default Company Ltd",
            # Cobalt Strike's team server keystore.
            "CN=Major Cobalt Strike,OU=AdvancedPenTesting,O=cobaltstrike",
            # PoshC2's server configuration.
            "CN=P18055077,OU=Jethpro,O=Pajfds",
            # Remote access tools of the Quasar family, and Orcus.
            "CN=Quasar Server CA",
            "CN=AsyncRAT Server",
            "CN=DcRat Server",
            "CN=Orcus Server",
            # Metasploit Pro's own authority.
            "CN=MetasploitSelfSignedCA",
            # Sliver's listener for its operators.
            "CN=multiplayer",
            # Covenant's listener.
            "CN=Covenant",
        }
    )
    """`default_subject`: attributes (RFC 2253, escaped) that a subject or issuer must all have, in any order. These
    are what known tools write unless told otherwise; a certificate of Metasploit is known by its form besides."""

    legacy_versions: Words = frozenset({"SSLv2", "SSLv3", "TLSv10", "TLSv11", "DTLSv10"})
    """`legacy_version`: deprecated by RFC 6176, RFC 7568 and RFC 8996."""
    weak_cipher_words: Words = frozenset(
        {"NULL", "EXPORT", "EXPORT40", "EXPORT1024", "ANON", "RC4", "RC2", "DES", "DES40", "3DES", "MD5"}
    )
    """`weak_cipher`: parts of IANA's cipher suite names, upper case, between underscores."""
    usual_ports: frozenset[int] = frozenset(
        {
            # web and proxies
            443, 8443,
            # mail, directly or by STARTTLS
            25, 110, 143, 465, 587, 993, 995, 4190,
            # directories, remote desktop, management, updates and databases of Windows networks
            389, 636, 3268, 3269, 3389, 5986, 8531, 1433,
            # DNS, files, news, terminals
            853, 21, 989, 990, 563, 992,
            # chat, push, telephony, messaging
            5061, 5222, 5223, 5228, 5269, 6697, 5349, 8883, 5671,
            # databases and clusters
            3306, 5432, 2376, 6443, 27017,
        }
    )  # fmt: skip
    """`unusual_port`: server ports where TLS is at home; any other is abnormal. Datagram TLS of media has no home."""

    rarity_min_hosts: int = 20
    """`rare_fingerprint` is unavailable until this many distinct client hosts were seen."""
    rarity_max_hosts: int = 1
    """`rare_fingerprint`: a JA4 that at most this many distinct client hosts have shown."""
