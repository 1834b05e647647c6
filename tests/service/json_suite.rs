//! C7: JSONTestSuite, written by others and read from the folder that `JAKCARD_EXTERNAL` names.
//!
//! `JAKCARD_EXTERNAL=… cargo test --test service c7_ -- --nocapture` prints the tables.

use crate::app::{App, SIGN, fixture, outcome};
use std::path::PathBuf;

/// Files that must be accepted as JSON and that are refused on purpose.
const REFUSED: &[(&str, &str)] = &[
    ("y_object_duplicated_key.json", "a member that stands twice has two meanings (C5)"),
    ("y_object_duplicated_key_and_value.json", "a member that stands twice has two meanings (C5)"),
];

/// Files that must be refused, and that become JSON when they stand behind a member's name.
const MENDED: &[(&str, &str)] = &[];

fn folder() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("JAKCARD_EXTERNAL")?).join("vectors/json-parsing");
    folder.is_dir().then_some(folder)
}

/// How a body is answered: what is said, and whether it was taken for JSON.
fn ask(app: &App, body: Vec<u8>) -> (u16, String, bool) {
    let response = app.post(SIGN, body);
    if response.status() == 200 {
        return (200, String::new(), true);
    }
    let (status, says) = outcome(response);
    let is_json =
        !["not JSON", "not UTF-8", "nested", "stands twice"].iter().any(|w| says.contains(w));
    (status, says, is_json)
}

#[test]
fn c7_every_text_that_must_be_accepted_is_and_every_other_is_refused() {
    let Some(folder) = folder() else {
        println!("JAKCARD_EXTERNAL is not set: JSONTestSuite was not read");
        return;
    };
    let app = App::start();
    let request = fixture(SIGN, "no-jak-inhibitor").to_string();
    let request = request.strip_suffix('}').expect("an object");
    let member = |bytes: &[u8]| [request.as_bytes(), b",\"extension\":", bytes, b"}"].concat();
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    let (mut wrong, mut free, mut exceptions) = (Vec::new(), Vec::new(), Vec::new());
    let (mut accepted, mut refused) = (0, 0);
    for path in files {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).expect("a file");
        let why = |list: &[(&str, &'static str)]| {
            list.iter().find(|(file, _)| *file == name).map(|(_, why)| *why)
        };
        // Alone it is no request, but it is told what it is: JSON of another kind, or no JSON.
        let (status, says, alone) = ask(&app, bytes.clone());
        assert_eq!(status, 400, "{name}: {says}");
        let (status, said, within) = ask(&app, member(&bytes));
        assert!([200, 400].contains(&status), "{name}: {status} {said}");
        assert_eq!(within, status == 200, "{name}: {said}");
        match &name[..2] {
            "y_" => match why(REFUSED) {
                Some(why) if !alone && !within => {
                    exceptions.push(format!("{name}: refused, {why}"))
                }
                None if alone && within => accepted += 1,
                _ => wrong.push(format!("{name} must be accepted: `{says}`, as a member `{said}`")),
            },
            "n_" => match why(MENDED) {
                Some(why) if !alone && within => {
                    exceptions.push(format!("{name}: as a member {why}"))
                }
                None if !alone && !within => refused += 1,
                _ => wrong.push(format!("{name} must be refused: `{says}`, as a member `{said}`")),
            },
            _ => {
                let word = |yes: bool| if yes { "accepted" } else { "refused" };
                free.push(format!("{:<9} {:<9} {name}  {said}", word(alone), word(within)));
            }
        }
    }
    println!("{accepted} accepted and {refused} refused, alone and as a member, as they must be");
    println!("otherwise, on purpose ({}):\n{}", exceptions.len(), exceptions.join("\n"));
    println!("free to choose ({}), alone and as a member:\n{}", free.len(), free.join("\n"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(accepted + refused >= 270, "only {} files", accepted + refused);
}
