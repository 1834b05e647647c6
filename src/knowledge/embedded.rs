//! Where do the knowledge files come from: the binary itself, or a folder?

use super::complaint::{Complaint, LoadError};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

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

/// Where files stand, below `hooks/`.
const FOLDERS: [&str; 4] = ["", "services", "drugs", "codes"];

/// The files of a folder that has the shape of `hooks/`.
///
/// # Errors
/// A folder or a file that cannot be read.
pub fn folder(dir: &Path) -> Result<Files, LoadError> {
    let mut files = Files::new();
    for below in FOLDERS {
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

/// What tells that files of a folder have changed, without reading them: path, time and size.
pub type Stamp = Vec<(PathBuf, Option<SystemTime>, u64)>;

/// The stamp of a folder; what cannot be looked at is left out.
pub fn stamp(dir: &Path) -> Stamp {
    let folders = FOLDERS.iter().filter_map(|below| std::fs::read_dir(dir.join(below)).ok());
    let mut files: Stamp = folders
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            // Follows links: a folder of Kubernetes changes by one of them.
            let about = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
            Some((path, about.modified().ok(), about.len()))
        })
        .collect();
    files.sort();
    files
}

fn unreadable(path: &Path, error: &std::io::Error) -> LoadError {
    let file = path.display().to_string();
    let complaint =
        Complaint { file, line: 1, column: 1, message: format!("cannot be read: {error}") };
    LoadError { complaints: vec![complaint] }
}
