//! Where do the knowledge files come from: the binary itself, or a folder?

use super::complaint::{Complaint, LoadError};
use std::collections::BTreeMap;
use std::path::Path;

/// The files of `hooks/`, by path below it with `/`.
pub type Files = BTreeMap<String, Vec<u8>>;

#[derive(rust_embed::RustEmbed)]
#[folder = "hooks/"]
struct Hooks;

/// The files that were there when the program was built.
pub fn embedded() -> Files {
    Hooks::iter()
        .filter(|path| path.ends_with(".toml") || path.ends_with(".json"))
        .filter_map(|path| Some((path.to_string(), Hooks::get(&path)?.data.into_owned())))
        .collect()
}

/// The files of a folder that has the shape of `hooks/`.
///
/// # Errors
/// A folder or a file that cannot be read.
pub fn folder(dir: &Path) -> Result<Files, LoadError> {
    let mut files = Files::new();
    for below in ["", "services", "drugs", "codes"] {
        let folder = dir.join(below);
        let entries = std::fs::read_dir(&folder).map_err(|e| unreadable(&folder, &e))?;
        for entry in entries {
            let path = entry.map_err(|e| unreadable(&folder, &e))?.path();
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned());
            let Some(name) = name.filter(|n| n.ends_with(".toml") || n.ends_with(".json")) else {
                continue;
            };
            let bytes = std::fs::read(&path).map_err(|e| unreadable(&path, &e))?;
            let key = if below.is_empty() { name } else { format!("{below}/{name}") };
            files.insert(key, bytes);
        }
    }
    Ok(files)
}

fn unreadable(path: &Path, error: &std::io::Error) -> LoadError {
    let file = path.display().to_string();
    let complaint =
        Complaint { file, line: 1, column: 1, message: format!("cannot be read: {error}") };
    LoadError { complaints: vec![complaint] }
}
