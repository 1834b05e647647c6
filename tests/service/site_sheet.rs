//! The test call of the site build sheet, made as the sheet says.

use crate::app::App;
use crate::clients::now;
use crate::support::issuer::{Issuer, uuid};
use jakcard::config::Config;
use reqwest::blocking::Response;
use serde_json::{Value, json};

#[test]
fn the_test_call_of_the_sheet_brings_what_the_sheet_says() {
    let issuer = Issuer::new("https://ehr.example.org");
    let folder = std::env::temp_dir().join(format!("jakcard-sheet-{}", uuid()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (keys, file) = (folder.join("jwks.json"), folder.join("jakcard.toml"));
    std::fs::write(&keys, issuer.jwks().to_string()).expect("written");
    let settings = format!(
        "public_url = \"https://cds.example.org\"\n[[client]]\nname = \"hospital\"\n\
         iss = \"https://ehr.example.org\"\njwks_file = \"{}\"\naudiences = [\"typed-in-by-hand\"]\n",
        keys.display()
    );
    std::fs::write(&file, settings).expect("written");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_jakcard"))
        .args(["site-sheet", "--client", "hospital", "--format", "json", "--config"])
        .arg(&file)
        .output()
        .expect("the program runs");
    let sheet: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let app = App::of(Config::load(Some(&file), std::iter::empty()).expect("settings"));

    let path = |url: &Value| {
        let url = url.as_str().expect("a URL");
        url.strip_prefix("https://cds.example.org").expect("where clients call").to_owned()
    };
    let send = |path: &str, audience: Option<&str>, body: &Value| -> Response {
        let request = app.client.post(app.url(path)).header("content-type", "application/json");
        let request = match audience {
            Some(aud) => {
                request.header("authorization", format!("Bearer {}", issuer.good(aud, now())))
            }
            None => request,
        };
        request.body(body.to_string()).send().expect("an answer")
    };
    let call = &sheet["testCall"];
    let to = path(&call["url"]);
    let services = sheet["services"].as_array().expect("services");
    let service = services.iter().find(|s| s["url"] == call["url"]).expect("on the sheet");
    // Every value of `aud` on the sheet lets the call in, and brings the cards.
    let audiences = service["audiences"].as_array().expect("audiences");
    assert_eq!(audiences.len(), 2);
    for audience in audiences {
        let answer = send(&to, audience.as_str(), &call["body"]);
        assert_eq!(json!(answer.status().as_u16()), call["status"]);
        let answer: Value = serde_json::from_str(&answer.text().expect("text")).expect("JSON");
        let cards = answer["cards"].as_array().expect("cards").iter();
        let cards: Vec<Value> = cards
            .map(|card| {
                json!({
                    "indicator": card["indicator"],
                    "topic": card["source"]["topic"]["code"],
                    "summary": card["summary"],
                })
            })
            .collect();
        assert_eq!(json!(cards), call["cards"]);
    }
    let refused = send(&to, None, &call["body"]).status().as_u16();
    assert_eq!(json!(refused), call["statusWithoutToken"]);
    // So does every one of feedback.
    let to = path(&service["feedbackUrl"]);
    let audiences = service["feedbackAudiences"].as_array().expect("audiences");
    assert_eq!(audiences.len(), 3);
    for audience in audiences {
        let answer = send(&to, audience.as_str(), &json!({ "feedback": [] }));
        assert_eq!(answer.status(), 200, "{audience}");
    }
    assert_eq!(app.get(&path(&sheet["discoveryUrl"])).status(), 200);
}
