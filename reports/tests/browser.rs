//! The page of a run, and the site, in a real browser. Opt-in: `CREDLINK_CHROMIUM` names the program, `CREDLINK_RUN` a run
//! directory to look at instead of an invented one, `CREDLINK_AXE` the file `axe.min.js` of axe-core, which looks for what
//! shuts people out (`npm install --prefix DIR axe-core` gives `DIR/node_modules/axe-core/axe.min.js`).
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may fail loudly"
)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use credlink_reports::site::{Settings, Source, publish};
use credlink_reports::stats::{Interval, Measured, Rate};
use credlink_reports::{RunDir, regenerate};
use serde_json::Value as Json;
use support::{PIPELINES, invented, run};

/// Runs in the page after its own script and leaves what it found in an element that the browser prints.
const PROBE: &str = r##"
<script>
(() => {
  const found = { faults: [] };
  const fault = (text) => found.faults.push(text);
  const table = document.querySelector("table.matrix"), body = table.tBodies[0];
  const form = document.querySelector("form.filters");
  const words = (cell) => cell.firstChild ? (cell.firstChild.data + " " + cell.querySelector("small").textContent).trim() : "";
  const shown = () => [...body.rows].filter((row) => !row.hidden);
  const read = () => Object.fromEntries(shown().map((row) =>
    [row.cells[0].textContent, [...row.querySelectorAll("td.rate")].map(words)]));
  const set = (name, value) => { form.elements[name].value = value; form.dispatchEvent(new Event("input")); };
  found.rates = read();
  found.total = [...table.tFoot.rows[0].querySelectorAll("td.rate")].map(words);
  const n = (row) => Number(row.querySelector("[data-key=n]").textContent.replace(/,/g, ""));
  found.n = Object.fromEntries(shown().map((row) => [row.cells[0].textContent, n(row)]));

  // Sorting by every column, both ways, keeps the rows and orders them.
  const before = shown().map((row) => row.cells[0].textContent).sort().join();
  for (const heading of table.tHead.querySelectorAll("th[data-sort]")) {
    const button = heading.querySelector("button");
    button.click();
    if (heading.getAttribute("aria-sort") !== "ascending") fault("no aria-sort on " + heading.dataset.sort);
    const up = shown().map((row) => row.cells[0].textContent);
    button.click();
    if (heading.getAttribute("aria-sort") !== "descending") fault("not turned: " + heading.dataset.sort);
    if ([...up].sort().join() !== before) fault("rows lost by sorting " + heading.dataset.sort);
    if (heading.dataset.sort === "id" && up.join() !== [...up].sort((a, b) => a.localeCompare(b, "en", { numeric: true })).join()) fault("names not sorted");
  }
  table.querySelector("th[data-sort=any] button").click();
  const rates = shown().map((row) => parseFloat(row.querySelector("td[data-key=any]").textContent));
  if (rates.some((rate, i) => i > 0 && rate < rates[i - 1] - 0.051)) fault("rates not sorted: " + rates);

  // Filters: family hides rows, class parts of n, and the parts add up to the whole.
  const whole = shown().reduce((sum, row) => sum + n(row), 0);
  for (const name of ["class", "format", "band"]) {
    let sum = 0;
    for (const option of [...form.elements[name].options].slice(1)) {
      set(name, option.value);
      sum += shown().reduce((all, row) => all + n(row), 0);
    }
    set(name, "");
    if (sum !== whole) fault(name + " adds up to " + sum + " of " + whole);
  }
  for (const option of [...form.elements.family.options].slice(1)) {
    set("family", option.value);
    if (shown().length === 0 || shown().length > body.rows.length) fault("family " + option.value);
  }
  set("family", "");
  set("text", "no pipeline is called so");
  if (shown().length !== 0) fault("the name filter hides nothing");
  if (!table.tFoot.textContent.includes("not measured")) fault("an empty total is not said to be unmeasured");
  set("text", "");
  if (JSON.stringify(read()) !== JSON.stringify(Object.fromEntries(shown().map((row) => [row.cells[0].textContent, found.rates[row.cells[0].textContent]])))) fault("figures not restored");

  // Nothing is wider than the window besides what scrolls by itself.
  found.overflow = document.documentElement.scrollWidth - window.innerWidth;
  if (found.overflow > 0) fault("the page is " + found.overflow + " px too wide");
  for (const image of document.images) if (!image.alt) fault("a picture without words");
  for (const id of [...document.querySelectorAll("nav a")].map((a) => a.hash.slice(1))) if (!document.getElementById(id)) fault("no place " + id);

  // What is chosen stands in the address, and the address chooses.
  const choice = form.elements.family.options[1].text;
  set("family", choice);
  if (!location.hash.includes("family=" + encodeURIComponent(choice))) fault("the family is not in " + location.hash);
  set("family", "");
  location.hash = "#matrix&sort=-n&family=" + encodeURIComponent(choice);
  dispatchEvent(new HashChangeEvent("hashchange"));
  if (form.elements.family.value !== choice) fault("the address does not choose the family");
  if (table.querySelector("th[data-sort=n]").getAttribute("aria-sort") !== "descending") fault("the address does not sort");
  form.reset();
  window.found = found;
})();
</script>
"##;

/// What is looked at on every page, and, where axe-core is there, what it finds with everything unfolded.
const EVERYWHERE: &str = r#"
<script>
(async () => {
  const found = window.found ?? { faults: [] };
  const fault = (text) => found.faults.push(text);
  // Whether the files of the run are beside the page is known a little later.
  await new Promise((done) => setTimeout(done, 500));
  found.links = [...document.querySelectorAll("a[href]")].filter((a) => !/^(#|[a-z]+:)/.test(a.getAttribute("href"))).length;
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) fault("heading of level " + own + " behind " + level + ": " + heading.textContent);
    level = own;
  }
  found.dark = matchMedia("(prefers-color-scheme: dark)").matches;
  for (const unfolded of [false, true]) {
    for (const part of document.querySelectorAll("details")) part.open ||= unfolded;
    const over = document.documentElement.scrollWidth - window.innerWidth;
    if (over > 0) fault("the page is " + over + " px too wide, unfolded: " + unfolded);
  }
  if (window.axe) {
    const { violations, passes } = await axe.run(document);
    if (passes.length < 10) fault("axe looked at nothing");
    for (const { id, nodes } of violations) fault("axe: " + id + ": " + nodes.map((node) => node.target).join(", "));
  }
  const place = document.createElement("pre");
  place.id = "probe";
  place.textContent = JSON.stringify(found);
  document.body.append(place);
})();
</script>
"#;

/// A page with probes in it, in a folder of its own so that it may have a badge beside it or not.
fn probed(folder: &Path, page: &Path, probe: &str, badge: bool) -> PathBuf {
    std::fs::create_dir_all(folder).unwrap();
    if badge {
        let from = page.parent().unwrap().join("badge.svg");
        std::fs::copy(from, folder.join("badge.svg")).unwrap();
    }
    let axe = std::env::var_os("CREDLINK_AXE").map(|file| {
        let text = std::fs::read_to_string(file).expect("CREDLINK_AXE is axe.min.js");
        format!("<script>{text}</script>")
    });
    let axe = axe.unwrap_or_else(|| {
        eprintln!("SKIPPED: set CREDLINK_AXE to let axe-core look at the page as well");
        String::new()
    });
    let text = std::fs::read_to_string(page).unwrap();
    let (start, end) = text.rsplit_once("</body>").unwrap();
    let path = folder.join("probed.html");
    std::fs::write(
        &path,
        format!("{start}{axe}{probe}{EVERYWHERE}</body>{end}"),
    )
    .unwrap();
    path
}

fn looked_at(browser: &Path, page: &Path, width: u32, dark: bool) -> (Json, String) {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--enable-logging=stderr",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--window-size={width},900"))
        .arg(format!(
            "--blink-settings=preferredColorScheme={}",
            u8::from(!dark)
        ))
        .args(["--virtual-time-budget=10000", "--dump-dom"])
        .arg(format!("file://{}", page.display()))
        .output()
        .unwrap();
    let page = String::from_utf8_lossy(&output.stdout);
    let log = String::from_utf8_lossy(&output.stderr);
    let console: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("CONSOLE"))
        .collect();
    let found = page
        .split_once("<pre id=\"probe\">")
        .and_then(|(_, rest)| rest.split_once("</pre>"));
    let (found, _) = found.unwrap_or_else(|| panic!("the page did not run: {console:?}"));
    let found = found
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    let found: Json = serde_json::from_str(&found).unwrap();
    assert_eq!(
        found["dark"], dark,
        "the browser took the colours that were asked for"
    );
    (found, console.join("\n"))
}

/// The rates of a row of the survival table in JSON, as people read them.
fn expected(row: &Json, key: &str) -> String {
    let rate = &row[key];
    let (Some(k), Some(n)) = (rate["k"].as_u64(), rate["n"].as_u64()) else {
        return "not measured".to_owned();
    };
    credlink_reports::figures::measured(Measured {
        rate: Rate { k, n },
        interval: Some(Interval {
            low: rate["low"].as_f64().unwrap(),
            high: rate["high"].as_f64().unwrap(),
        }),
    })
}

#[test]
fn the_page_works_in_a_browser_and_says_what_the_json_says() {
    let Some(browser) = std::env::var_os("CREDLINK_CHROMIUM").map(PathBuf::from) else {
        eprintln!("SKIPPED: set CREDLINK_CHROMIUM to a Chromium to look at the page in a browser");
        return;
    };
    let base = tempfile::tempdir().unwrap();
    let dir = match std::env::var_os("CREDLINK_RUN") {
        Some(run) => RunDir::open(&std::fs::canonicalize(run).unwrap()).unwrap(),
        None => {
            // 160 of them give ties, which are rounded to even.
            let (header, mut rows) = invented(&PIPELINES, 160);
            for row in &mut rows {
                row.class = ["portrait", "text <b>", "logo"][row.image as usize % 3].to_owned();
                row.image_format = ["jpeg", "png"][row.image as usize % 2].to_owned();
                row.width = [300, 1200, 4000][row.image as usize % 3];
            }
            let dir = run(base.path(), &header, rows);
            regenerate(&dir).unwrap();
            dir
        }
    };
    let page = dir.root().join("report.html");
    let whole = probed(&base.path().join("whole"), &page, PROBE, true);
    let json = std::fs::read_to_string(dir.tables().join("survival.json")).unwrap();
    let json: Json = serde_json::from_str(&json).unwrap();
    let carriers = dir.read_header().unwrap().carriers;
    for (width, dark) in [(1280, false), (500, false), (1280, true), (500, true)] {
        let (found, console) = looked_at(&browser, &whole, width, dark);
        assert_eq!(console, "", "the console is silent");
        assert_eq!(found["faults"], Json::Array(vec![]), "at {width} px");
        assert!(found["links"].as_u64().unwrap() > 20, "links lead to files");
        let rows = json["rows"].as_array().unwrap();
        assert_eq!(found["rates"].as_object().unwrap().len(), rows.len());
        for row in rows {
            let id = row["pipeline"].as_str().unwrap();
            assert_eq!(found["n"][id], row["n"], "{id}");
            let keys = std::iter::once("any".to_owned());
            let keys = keys.chain(carriers.iter().map(|carrier| format!("by_{carrier}")));
            let rates: Vec<String> = keys.map(|key| expected(row, &key)).collect();
            assert_eq!(found["rates"][id], Json::from(rates), "{id}");
        }
    }
}

#[test]
fn a_page_that_was_mailed_alone_leads_nowhere() {
    let Some(browser) = std::env::var_os("CREDLINK_CHROMIUM").map(PathBuf::from) else {
        eprintln!("SKIPPED: set CREDLINK_CHROMIUM to a Chromium to look at the page in a browser");
        return;
    };
    let base = tempfile::tempdir().unwrap();
    let (header, rows) = invented(&PIPELINES[..3], 20);
    let dir = run(base.path(), &header, rows);
    regenerate(&dir).unwrap();
    let page = dir.root().join("report.html");
    let alone = probed(&base.path().join("alone"), &page, "", false);
    let (found, _) = looked_at(&browser, &alone, 500, false);
    assert_eq!(found["links"], 0);
    assert_eq!(found["faults"], Json::Array(vec![]));
}

#[test]
fn the_site_shuts_nobody_out() {
    let Some(browser) = std::env::var_os("CREDLINK_CHROMIUM").map(PathBuf::from) else {
        eprintln!("SKIPPED: set CREDLINK_CHROMIUM to a Chromium to look at the site in a browser");
        return;
    };
    let base = tempfile::tempdir().unwrap();
    let site = base.path().join("site");
    for night in 1..=3 {
        let (mut header, rows) = invented(&PIPELINES[..6], 40);
        header.id = format!("night-{night}");
        header.created = format!("2026-01-0{night}T02:17:00Z");
        let dir = run(base.path(), &header, rows);
        regenerate(&dir).unwrap();
        publish(&site, &Source::Run(&dir), &Settings::default()).unwrap();
    }
    let page = probed(
        &base.path().join("probed"),
        &site.join("index.html"),
        "",
        false,
    );
    for (width, dark) in [(1280, false), (500, false), (1280, true), (500, true)] {
        let (found, console) = looked_at(&browser, &page, width, dark);
        assert_eq!(console, "", "the console is silent");
        assert_eq!(
            found["faults"],
            Json::Array(vec![]),
            "at {width} px, dark: {dark}"
        );
    }
}
