//! Why a call is not let in: for the metric and the log, never for the caller.

/// Why a call is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// No `Authorization` header, or another scheme than `Bearer`.
    NoToken,
    /// More than one `Authorization` header.
    TwoTokens,
    /// Longer than any token.
    TooLong,
    /// Not three parts of base64url with JSON in them, or a member twice.
    Malformed,
    /// `typ` is not `JWT`.
    Type,
    /// `alg` is not one of the client's, or not that of the key.
    Algorithm,
    /// `kid` is absent or too long.
    KeyId,
    /// `crit` or `b64`: extensions that nobody agreed on (RFC 7515 4.1.11, RFC 7797).
    Critical,
    /// The token brings its own key or says where to find it.
    EmbeddedKey,
    /// `jku` is not the client's `jwks_url`.
    KeyUrl,
    /// `iss` is no client's.
    Issuer,
    /// `tenant` is not one of the client's.
    Tenant,
    /// `aud` is not this endpoint.
    Audience,
    /// `exp` is over, absent or no time.
    Expired,
    /// `iat` or `nbf` is to come.
    NotYet,
    /// `exp` − `iat` is longer than allowed.
    Lifetime,
    /// `jti` is absent or too long.
    TokenId,
    /// No key of the client has this `kid`.
    UnknownKey,
    /// The client's keys could not be read for too long.
    NoKeys,
    /// The signature is not that of the key.
    Signature,
    /// The token was used before.
    Replay,
}

impl Refusal {
    /// The reason in one word.
    pub fn word(self) -> &'static str {
        match self {
            Refusal::NoToken => "no-token",
            Refusal::TwoTokens => "two-tokens",
            Refusal::TooLong => "too-long",
            Refusal::Malformed => "malformed",
            Refusal::Type => "typ",
            Refusal::Algorithm => "alg",
            Refusal::KeyId => "kid",
            Refusal::Critical => "crit",
            Refusal::EmbeddedKey => "embedded-key",
            Refusal::KeyUrl => "jku",
            Refusal::Issuer => "iss",
            Refusal::Tenant => "tenant",
            Refusal::Audience => "aud",
            Refusal::Expired => "exp",
            Refusal::NotYet => "not-yet",
            Refusal::Lifetime => "lifetime",
            Refusal::TokenId => "jti",
            Refusal::UnknownKey => "unknown-key",
            Refusal::NoKeys => "no-keys",
            Refusal::Signature => "signature",
            Refusal::Replay => "replay",
        }
    }
}
