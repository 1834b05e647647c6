//! The draft, changed or taken back: the whole resource, and nothing of it lost.

use crate::app::{App, SIGN, fixture};
use serde_json::{Value, json};

/// A patient whose kidneys ask for one dose a day in place of two, and this order.
fn request(order: impl Fn(&mut Value)) -> Value {
    let mut request = fixture(SIGN, "nothing-on-record");
    order(&mut request["context"]["draftOrders"]["entry"][0]["resource"]);
    request
}

fn actions(app: &App, request: &Value, kind: &str) -> Vec<Value> {
    let answer = app.cards(SIGN, request);
    let cards = answer["cards"].as_array().expect("cards").clone();
    let suggestions =
        cards.into_iter().flat_map(|c| c["suggestions"].as_array().cloned().unwrap_or_default());
    let actions = suggestions.flat_map(|s| s["actions"].as_array().cloned().expect("actions"));
    actions.filter(|a| a["type"] == kind).collect()
}

#[test]
fn a_lower_dose_is_the_whole_draft_with_dose_words_and_quantity_changed() {
    let app = App::start();
    let request = request(|order| {
        order["extension"] = json!([{"url": "http://example.org/x", "valueDecimal": 1.50}]);
        order["note"] = json!([{"text": "with food"}]);
        order["dosageInstruction"][0]["text"] = json!("Take 5 mg by mouth twice daily with food");
        order["dosageInstruction"][0]["route"] = json!({"text": "oral"});
        order["dispenseRequest"] = json!({
            "quantity": {"value": 60, "unit": "tablet"},
            "expectedSupplyDuration": {"value": 30, "unit": "d"},
            "numberOfRepeatsAllowed": 2,
        });
    });
    let mut expected = request["context"]["draftOrders"]["entry"][0]["resource"].clone();
    expected["dosageInstruction"][0]["text"] = json!("Take 5 mg by mouth once daily with food");
    expected["dosageInstruction"][0]["timing"]["repeat"]["frequency"] = json!(1);
    expected["dispenseRequest"]["quantity"]["value"] = json!(30);
    let updates = actions(&app, &request, "update");
    assert_eq!(updates.len(), 1);
    assert_eq!(updates[0]["resource"], expected);
    assert_eq!(updates[0]["description"], "Change the tofacitinib order to 5 mg once daily");
}

#[test]
fn where_the_new_dose_cannot_be_written_whole_the_advice_stays_in_words() {
    let app = App::start();
    type Change = fn(&mut Value);
    let hopeless: [(&str, Change); 7] = [
        ("extended-release: another product", |order| {
            order["medicationCodeableConcept"] = json!({"text": "tofacitinib 11 mg XR tablet"});
            order["dosageInstruction"] = json!([{"text": "11 mg once daily"}]);
        }),
        ("two instructions", |order| {
            let one = order["dosageInstruction"][0].clone();
            order["dosageInstruction"].as_array_mut().expect("list").push(one);
        }),
        ("words for the patient", |order| {
            order["dosageInstruction"][0]["patientInstruction"] = json!("one in the morning");
        }),
        ("a timing code", |order| {
            order["dosageInstruction"][0]["timing"]["code"] = json!({"text": "BID"});
        }),
        ("times of the day", |order| {
            order["dosageInstruction"][0]["timing"]["repeat"]["timeOfDay"] =
                json!(["08:00:00", "20:00:00"]);
        }),
        ("a quantity that does not halve", |order| {
            order["dispenseRequest"] = json!({"quantity": {"value": 61, "unit": "tablet"}});
        }),
        ("no strength", |order| {
            order["medicationCodeableConcept"] = json!({"text": "tofacitinib tablet"});
        }),
    ];
    for (what, change) in hopeless {
        let request = request(change);
        assert!(actions(&app, &request, "update").is_empty(), "{what}");
        let text = app.cards(SIGN, &request).to_string();
        assert!(text.contains("5 mg once daily"), "{what}: the advice is gone");
    }
}

#[test]
fn the_strictest_of_several_limits_is_the_one_that_is_offered() {
    let app = App::start();
    let mut request = request(|order| {
        order["medicationCodeableConcept"] = json!({"text": "upadacitinib 15 mg ER tablet"});
        order["dosageInstruction"] = json!([{"text": "30 mg once daily"}]);
        order["reasonReference"] = json!([]);
        order["reasonCode"] = json!([{"text": "atopic dermatitis"}]);
    });
    request["prefetch"]["patient"]["birthDate"] = json!("1950-01-01");
    let updates = actions(&app, &request, "update");
    assert_eq!(updates.len(), 1, "one update for an order, however many limits");
    assert_eq!(updates[0]["resource"]["dosageInstruction"][0]["text"], "15 mg once daily");
}

#[test]
fn where_the_label_says_do_not_use_the_draft_can_be_taken_back() {
    let app = App::start();
    let request = fixture(SIGN, "pregnant-anaemic-and-on-another");
    let deletes = actions(&app, &request, "delete");
    assert_eq!(deletes.len(), 1, "once for an order");
    assert_eq!(deletes[0]["resourceId"], "MedicationRequest/order-1");
    assert!(deletes[0].get("resource").is_none());
    assert!(actions(&app, &request, "update").is_empty());
    // What has no id cannot be named.
    let mut nameless = request.clone();
    let order = &mut nameless["context"]["draftOrders"]["entry"][0]["resource"];
    order.as_object_mut().expect("order").shift_remove("id");
    assert!(actions(&app, &nameless, "delete").is_empty());
}

#[test]
fn a_product_of_no_strength_is_changed_by_nobody_and_breaks_nothing() {
    let app = App::start();
    for strength in ["0", "00", "0.0"] {
        let request = request(|order| {
            order["medicationCodeableConcept"] =
                json!({"text": format!("abrocitinib {strength} mg tablet")});
            order["dosageInstruction"] = json!([{"text": "200 mg once daily"}]);
        });
        assert_eq!(actions(&app, &request, "update"), Vec::<Value>::new(), "{strength} mg");
        let words = app.cards(SIGN, &request).to_string();
        assert!(words.contains("once daily"), "the limit is said in words: {words}");
    }
}
