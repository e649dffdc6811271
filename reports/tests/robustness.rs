//! The evidence export against its published schema.
#![allow(clippy::unwrap_used, reason = "a test may fail loudly")]

mod support;

use credlink_reports::robustness::documents;
use serde_json::{Value as Json, json};
use support::{CARRIERS, PIPELINES, evidence, invented};

/// A validator of the part of JSON Schema 2020-12 that our schema uses; any other keyword fails the test.
fn check(schema: &Json, root: &Json, value: &Json, at: &str) -> Result<(), String> {
    for (keyword, rule) in schema.as_object().unwrap() {
        let object = value.as_object();
        match keyword.as_str() {
            "$schema" | "$id" | "$defs" | "title" | "description" => {}
            "$ref" => {
                let pointer = rule.as_str().unwrap().trim_start_matches('#');
                check(root.pointer(pointer).unwrap(), root, value, at)?;
            }
            "type" => {
                let found = match value {
                    Json::Null => "null",
                    Json::Bool(_) => "boolean",
                    Json::Number(number) if number.is_u64() || number.is_i64() => "integer",
                    Json::Number(_) => "number",
                    Json::String(_) => "string",
                    Json::Array(_) => "array",
                    Json::Object(_) => "object",
                };
                let allowed = match rule {
                    Json::Array(types) => types.clone(),
                    one => vec![one.clone()],
                };
                let fits = |name: &Json| name == found || (name == "number" && found == "integer");
                if !allowed.iter().any(fits) {
                    return Err(format!("{at} is {found}, not {rule}"));
                }
            }
            "required" => {
                for name in rule
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|name| name.as_str().unwrap())
                {
                    if !object.unwrap().contains_key(name) {
                        return Err(format!("{at} lacks {name}"));
                    }
                }
            }
            "properties" => {
                for (name, rule) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        check(rule, root, value, &format!("{at}/{name}"))?;
                    }
                }
            }
            "additionalProperties" => {
                let known = schema.get("properties").and_then(Json::as_object);
                for (name, value) in object.unwrap() {
                    if known.is_some_and(|known| known.contains_key(name)) {
                        continue;
                    }
                    match rule {
                        Json::Bool(false) => {
                            return Err(format!("{at} has {name}, which is unknown"));
                        }
                        rule => check(rule, root, value, &format!("{at}/{name}"))?,
                    }
                }
            }
            "items" => {
                for value in value.as_array().unwrap() {
                    check(rule, root, value, &format!("{at}/item"))?;
                }
            }
            "minimum" | "maximum" => {
                if let Some(number) = value.as_f64() {
                    let limit = rule.as_f64().unwrap();
                    let fits = if keyword == "minimum" {
                        number >= limit
                    } else {
                        number <= limit
                    };
                    if !fits {
                        return Err(format!("{at} is {number}, beyond its {keyword} {limit}"));
                    }
                }
            }
            other => panic!("the validator does not know the keyword {other}"),
        }
    }
    Ok(())
}

fn schema() -> Json {
    serde_json::from_str(include_str!(
        "../../docs/schema/robustness-evidence.schema.json"
    ))
    .unwrap()
}

#[test]
fn every_carrier_of_a_run_has_a_document_that_fits_the_schema() {
    let (header, rows) = invented(&PIPELINES, 60);
    let documents = documents(&evidence(&header, rows)).unwrap();
    assert_eq!(documents.len(), CARRIERS.len());
    let schema = schema();
    for (carrier, document) in &documents {
        check(&schema, &schema, document, "").unwrap();
        assert_eq!(document["carrier"], **carrier);
        let found = &document["robustnessEvidence"];
        assert_eq!(found["results"].as_object().unwrap().len(), PIPELINES.len());
        // The control is part of no pooled figure.
        assert_eq!(found["overall"]["allImages"]["n"], 60 * 29);
        assert_eq!(found["falseAccepts"]["unsigned"]["accepted"], 0);
        assert_eq!(found["falseAccepts"]["unsigned"]["n"], 12 * 30);
        assert!(
            found["results"]["social/x"]["provisional"]
                .as_bool()
                .unwrap()
        );
    }
    if let Ok(folder) = std::env::var("CREDLINK_KEEP") {
        std::fs::write(
            format!("{folder}/document.json"),
            documents[0].1.to_string(),
        )
        .unwrap();
    }
}

#[test]
fn the_schema_refuses_what_is_not_evidence() {
    let (header, rows) = invented(&PIPELINES[..3], 20);
    let good = documents(&evidence(&header, rows)).unwrap().remove(0).1;
    let schema = schema();
    let spoilt: [fn(&mut Json); 5] = [
        |json| json["robustnessEvidence"]["overall"]["allImages"]["rate"] = json!(1.5),
        |json| json["robustnessEvidence"]["results"]["social/x"] = json!({ "rate": 0.99 }),
        |json| json["robustnessEvidence"]["ranking"] = json!(1),
        |json| json["robustnessEvidence"]["embedding"]["carried"] = json!(-1),
        |json| drop(json.as_object_mut().unwrap().remove("carrier")),
    ];
    for spoil in spoilt {
        let mut bad = good.clone();
        spoil(&mut bad);
        assert!(check(&schema, &schema, &bad, "").is_err());
    }
}

#[test]
fn runs_that_are_no_evidence_give_none() {
    let (mut header, rows) = invented(&PIPELINES[..2], 10);
    header.partial = true;
    let refused = documents(&evidence(&header, rows.clone())).unwrap_err();
    assert!(refused.to_string().contains("is partial"), "{refused}");
    header.partial = false;
    header.controls[0].passed = false;
    let refused = documents(&evidence(&header, rows)).unwrap_err();
    assert!(
        refused.to_string().contains("failed the control"),
        "{refused}"
    );
}
