//! `credlink evidence`.

use anyhow::{Context, Result};
use credlink_harness::exit;
use credlink_reports::RunDir;
use credlink_reports::robustness::documents;

use crate::cli::EvidenceArgs;

pub(crate) fn run(args: &EvidenceArgs) -> Result<u8> {
    let evidence = credlink_reports::load(&RunDir::open(&args.run)?)?;
    let documents = documents(&evidence)?;
    std::fs::create_dir_all(&args.out)
        .with_context(|| format!("failed to make {}", args.out.display()))?;
    let mut written = Vec::new();
    for (carrier, document) in documents {
        let path = args.out.join(format!("{carrier}.json"));
        super::write_new(&path, format!("{document:#}\n").as_bytes())?;
        if !args.json {
            super::say(&path.display().to_string())?;
        }
        written.push(serde_json::json!({ "carrier": carrier, "file": path }));
    }
    if args.json {
        super::say(&format!("{:#}", serde_json::Value::from(written)))?;
    }
    Ok(exit::OK)
}
