//! Which database does an address name, and how is it said without its password?

use super::StoreError;
use sqlx::postgres::PgConnectOptions;
use std::path::PathBuf;
use url::Url;

/// Where the records are.
pub enum Address {
    Sqlite(PathBuf),
    Postgres(Box<PgConnectOptions>),
}

/// The parameters of a postgres URL that are read; the driver would log any other with its value.
const PARAMETERS: &[&str] = &["host", "port", "sslmode", "sslrootcert", "sslcert", "sslkey"];

/// The database, and its name for logs and errors.
pub fn read(given: &str) -> Result<(Address, String), StoreError> {
    match given.split_once(':') {
        Some(("sqlite", file)) => sqlite(given, file),
        Some(("postgres" | "postgresql", _)) => postgres(given),
        Some((scheme, _)) => Err(wrong(&format!("{scheme}:…"), "is of an unknown kind")),
        None => {
            // Shown only where it can be nothing but the name of a file.
            let plain = |c: char| c.is_alphanumeric() || "./_-".contains(c);
            let shown = if given.chars().all(plain) { given } else { "…" };
            Err(wrong(shown, "names no kind of database"))
        }
    }
}

fn sqlite(given: &str, file: &str) -> Result<(Address, String), StoreError> {
    let file = file.strip_prefix("//").unwrap_or(file);
    if file.is_empty() {
        return Err(wrong(given, "names no file"));
    }
    if let Some((file, _)) = file.split_once('?') {
        return Err(wrong(&format!("sqlite:{file}?…"), "has parameters, and none is read"));
    }
    if file.starts_with(':') {
        return Err(wrong(given, "names no file, and memory alone forgets at every restart"));
    }
    let file = std::path::absolute(file).map_err(|e| wrong(given, &e.to_string()))?;
    let place = format!("sqlite:{}", file.display());
    Ok((Address::Sqlite(file), place))
}

fn postgres(given: &str) -> Result<(Address, String), StoreError> {
    // Whatever stands before the last `@` may be a password that was not encoded.
    let authority = given.split(['/', '?', '#']).nth(2).unwrap_or_default();
    if given.matches('@').count() > authority.matches('@').count() {
        let why = "has an `@` behind its host (in a password, `/`, `?`, `#` and `@` are written \
                   `%2F`, `%3F`, `%23` and `%40`)";
        return Err(wrong("postgres://…", why));
    }
    let unreadable = |why: String| wrong("postgres://…", &format!("cannot be read ({why})"));
    let mut url = Url::parse(given).map_err(|e| unreadable(e.to_string()))?;
    if let Some((name, _)) = url.query_pairs().find(|(n, _)| !PARAMETERS.contains(&n.as_ref())) {
        let known = PARAMETERS.join("`, `");
        let why = format!("has the unknown parameter `{name}` (known are `{known}`)");
        return Err(wrong("postgres://…", &why));
    }
    let options = given.parse().map_err(|e: sqlx::Error| unreadable(e.to_string()))?;
    url.set_query(None);
    url.set_fragment(None);
    // Fails only where there is no host, and then there is no password.
    let _ = url.set_password(None);
    Ok((Address::Postgres(Box::new(options)), url.into()))
}

fn wrong(given: &str, why: &str) -> StoreError {
    StoreError::Address { given: given.to_owned(), why: why.to_owned() }
}
