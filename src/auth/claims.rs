//! Is a token meant for this endpoint, now?
//!
//! In the order of the best practices of CDS Hooks: audience, time, tenant.

use super::Refusal;
use super::token::Claims;
use crate::config::Auth;

/// Largest time that is looked at, seconds since 1970: the year 9999.
const LATEST: f64 = 253_402_300_799.0;

/// Whether the claims hold, and until when the token lives (seconds since 1970, the skew included).
///
/// # Errors
/// The first that does not.
pub fn check(
    claims: &Claims,
    audiences: &[String],
    tenants: &[String],
    auth: &Auth,
    now: i64,
) -> Result<i64, Refusal> {
    // A slash at the end is a slip of the pen.
    let plain = |url: &str| url.strip_suffix('/').unwrap_or(url).to_owned();
    if !claims.aud.iter().any(|aud| audiences.iter().any(|own| plain(own) == plain(aud))) {
        return Err(Refusal::Audience);
    }
    let (now, skew) = (now as f64, auth.skew_s as f64);
    let time = |value: Option<f64>| value.filter(|t| (0.0..=LATEST).contains(t));
    let until = time(claims.exp).ok_or(Refusal::Expired)?;
    if now >= until + skew {
        return Err(Refusal::Expired);
    }
    let since = time(claims.iat).ok_or(Refusal::NotYet)?;
    let not_before = match claims.nbf {
        Some(_) => time(claims.nbf).ok_or(Refusal::NotYet)?,
        None => since,
    };
    if since > now + skew || not_before > now + skew {
        return Err(Refusal::NotYet);
    }
    if until <= since || until - since > auth.lifetime_s as f64 {
        return Err(Refusal::Lifetime);
    }
    let tenant = claims.tenant.as_ref();
    if !tenants.is_empty() && !tenant.is_some_and(|tenant| tenants.contains(tenant)) {
        return Err(Refusal::Tenant);
    }
    Ok((until + skew).ceil() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000;
    const HERE: &str = "https://cds.example.org/cds-services/one";

    fn claims(change: &str) -> Claims {
        let plain = format!(
            r#"{{"iss":"i","aud":"{HERE}","exp":{},"iat":{NOW},"jti":"1","tenant":"north"}}"#,
            NOW + 300
        );
        let mut all: serde_json::Map<_, _> = serde_json::from_str(&plain).unwrap();
        let changes: serde_json::Map<_, _> = serde_json::from_str(change).unwrap();
        for (key, value) in changes {
            match value.is_null() {
                true => all.remove(&key),
                false => all.insert(key, value),
            };
        }
        serde_json::from_value(all.into()).unwrap()
    }

    fn verdict(change: &str) -> Result<i64, Refusal> {
        check(&claims(change), &[HERE.to_owned()], &[], &Auth::default(), NOW)
    }

    #[test]
    fn times_hold_up_to_the_skew_and_no_second_longer() {
        assert_eq!(verdict("{}"), Ok(NOW + 360));
        let at = |key: &str, seconds: i64| verdict(&format!(r#"{{"{key}":{}}}"#, NOW + seconds));
        let old =
            |seconds: i64| verdict(&format!(r#"{{"iat":{},"exp":{}}}"#, NOW - 600, NOW + seconds));
        assert!(old(-59).is_ok());
        assert_eq!(old(-60), Err(Refusal::Expired));
        assert_eq!(old(-61), Err(Refusal::Expired));
        assert!(at("iat", 60).is_ok());
        assert_eq!(at("iat", 61), Err(Refusal::NotYet));
        assert!(at("nbf", 60).is_ok());
        assert_eq!(at("nbf", 61), Err(Refusal::NotYet));
        // What Epic sends: not before five minutes ago.
        assert!(at("nbf", -300).is_ok());
        assert!(at("exp", 3599).is_ok());
        assert!(at("exp", 3600).is_ok());
        assert_eq!(at("exp", 3601), Err(Refusal::Lifetime));
        assert_eq!(at("exp", 0), Err(Refusal::Lifetime));
    }

    #[test]
    fn a_time_is_a_number_of_this_age() {
        for exp in ["null", "-1", "1e308", "253402300800"] {
            assert_eq!(verdict(&format!(r#"{{"exp":{exp}}}"#)), Err(Refusal::Expired), "{exp}");
        }
        assert!(verdict(&format!(r#"{{"exp":{}.25}}"#, NOW + 10)).is_ok(), "a fraction");
        assert_eq!(verdict(r#"{"iat":null}"#), Err(Refusal::NotYet));
        assert_eq!(verdict(r#"{"nbf":-1}"#), Err(Refusal::NotYet));
        let text = format!(r#"{{"exp":"{NOW}"}}"#);
        assert!(serde_json::from_str::<Claims>(&text).is_err(), "a text is no time");
    }

    #[test]
    fn the_audience_is_this_endpoint_and_no_other() {
        let aud = |json: &str| verdict(&format!(r#"{{"aud":{json}}}"#)).is_ok();
        assert!(aud(&format!(r#""{HERE}""#)));
        assert!(aud(&format!(r#""{HERE}/""#)));
        assert!(aud(&format!(r#"["https://other.example.org","{HERE}"]"#)));
        for wrong in [
            "null",
            "[]",
            r#""""#,
            r#""https://cds.example.org/cds-services""#,
            r#""https://cds.example.org/cds-services/two""#,
            r#""http://cds.example.org/cds-services/one""#,
            r#""https://CDS.example.org/cds-services/one""#,
            r#""https://cds.example.org/cds-services/one?x=1""#,
            r#""https://cds.example.org/cds-services/one//""#,
            r#""https://proxy.internal/cds-services/one""#,
        ] {
            assert!(!aud(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_tenant_is_looked_at_where_the_client_has_some() {
        let check = |change: &str, tenants: &[&str]| {
            let tenants: Vec<String> = tenants.iter().map(|t| (*t).to_owned()).collect();
            check(&claims(change), &[HERE.to_owned()], &tenants, &Auth::default(), NOW)
        };
        assert!(check("{}", &["north", "south"]).is_ok());
        assert_eq!(check("{}", &["south"]), Err(Refusal::Tenant));
        assert_eq!(check(r#"{"tenant":null}"#, &["south"]), Err(Refusal::Tenant));
        assert!(check(r#"{"tenant":null}"#, &[]).is_ok());
    }
}
