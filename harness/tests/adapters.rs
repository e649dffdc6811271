//! Systems outside, spoken to by the protocol: an honest one, and every way to break it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use credlink_corpus::SyntheticSet;
use credlink_harness::plan::{Negatives, Size, plan};
use credlink_harness::stages::Ending;
use credlink_harness::systems::System as _;
use credlink_harness::systems::adapter::{Adapter, Description, Failure};
use credlink_harness::systems::check::{Verdict, checked};
use credlink_transforms::catalogue::Catalogue;
use credlink_trial_record::{Outcome, Row, Trial};

#[path = "support/small_run.rs"]
mod small_run;

use small_run::ran;

/// A system that knows files by their check sum, which only a pipeline that changes nothing leaves alone. Its variant says
/// how it lies or breaks; `few` is of one image in ten, by check sum, so that a second try meets the same.
const ADAPTER: &str = r#"#!/bin/sh
how=$1
registry=
text() { printf '%s\n' "$line" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
say() { printf '%s\n' "$1"; }
[ "$how" = exits ] && exit 3
while IFS= read -r line; do
    op=$(text op)
    seq=$(printf '%s\n' "$line" | sed -n 's/.*"seq":\([0-9]*\).*/\1/p')
    image=$(text image)
    [ -n "$image" ] && sum=$(cksum < "$image" | tr ' ' -) && few=$((${sum%%-*} % 10 == 0))
    if [ "$how" = loud ]; then head -c 300000 /dev/zero | tr '\0' x >&2; echo >&2; fi
    case $op in
    hello)
        [ "$how" = missing ] && say '{"op":"hello","error":"no weights; fetch them"}' && exit
        protocol=1; [ "$how" = old ] && protocol=7
        width=0; [ "$how" = narrow ] && width=3
        say "{\"op\":\"hello\",\"protocol\":$protocol,\"system\":{\"name\":\"sums\",\"version\":\"1\"},\"payload_bits\":$width,\"inputs\":[\"image/jpeg\",\"image/png\",\"image/webp\"],\"carrier\":{\"name\":\"sum\",\"place\":\"store\"},\"keeps_records\":true,\"deterministic\":true}"
        ;;
    sign)
        record=$(printf '%s' "$sum" | od -An -tx1 | tr -d ' \n')
        case $how in
        format) printf 'no image' > "$(text out)"; say "{\"op\":\"signed\",\"seq\":$seq,\"status\":\"ok\"}" ;;
        refuses) say "{\"op\":\"signed\",\"seq\":$seq,\"status\":\"refused\",\"cause\":\"too-small\",\"detail\":\"for me\"}" ;;
        # Hex digits are base64, too, as long as there are four of them each time.
        *) while [ $((${#record} % 4)) -ne 0 ]; do record=${record}0; done
           say "{\"op\":\"signed\",\"seq\":$seq,\"status\":\"ok\",\"changed\":false,\"record\":\"$record\"}" ;;
        esac
        ;;
    seal) registry=$(text registry); say "{\"op\":\"sealed\",\"seq\":$seq}" ;;
    verify)
        record=$(printf '%s' "$sum" | od -An -tx1 | tr -d ' \n')
        id=$(sed -n "s/.*\"id\":\"\([0-9a-f]*\)\".*\"record\":\"${record}0*\".*/\1/p" "$registry" | head -n 1)
        case $how in
        always) id=00000000deadbeef ;;
        never) id= ;;
        another) [ -n "$id" ] && id=$(sed -n 's/.*"id":"\([0-9a-f]*\)".*/\1/p' "$registry" | grep -v "$id" | head -n 1) ;;
        crashes) [ $few = 1 ] && exit 1 ;;
        hangs) [ $few = 1 ] && sleep 1000 ;;
        floods) [ $few = 1 ] && yes 0123456789abcdef | tr -d '\n' ;;
        garbage) [ $few = 1 ] && say 'Traceback (most recent call last):' ;;
        twice) say "{\"op\":\"verified\",\"seq\":$seq,\"status\":\"ok\"}" ;;
        wrong-answer) [ $few = 1 ] && seq=1 ;;
        wrong-payload) say "{\"op\":\"verified\",\"seq\":$seq,\"status\":\"ok\",\"state\":\"found\",\"payload\":\"ff\"}"; continue ;;
        errs) say "{\"op\":\"verified\",\"seq\":$seq,\"status\":\"error\",\"cause\":\"unreadable\",\"detail\":\"cannot\"}"; continue ;;
        esac
        if [ -n "$id" ]
        then say "{\"op\":\"verified\",\"seq\":$seq,\"status\":\"ok\",\"state\":\"found\",\"id\":\"$id\"}"
        else say "{\"op\":\"verified\",\"seq\":$seq,\"status\":\"ok\",\"state\":\"absent\"}"
        fi
        ;;
    bye) exit 0 ;;
    *) say "{\"op\":\"error\",\"seq\":$seq,\"cause\":\"unknown-op\"}" ;;
    esac
done
"#;

/// The pipelines: one that changes nothing, one that changes everything.
const PIPELINES: [&str; 2] = ["controls/identity", "edits/resize-half"];

/// An adapter of its own in a folder, which must stay there.
fn adapter(how: &str) -> (tempfile::TempDir, Description) {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("sums");
    std::fs::create_dir(&folder).unwrap();
    let program = folder.join("adapter.sh");
    std::fs::write(&program, ADAPTER).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let file = format!(
        "title = \"sums\"\nabout = \"check sums\"\nlicence = \"MIT\"\nsource = \"here\"\n\
         command = [\"./adapter.sh\"]\nvariants = [\"{how}\"]\nseconds = 1\n"
    );
    std::fs::write(folder.join("adapter.toml"), file).unwrap();
    let description = Description::of_folder(&folder).unwrap().remove(0);
    (root, description)
}

/// A run of `each` ops a pipeline.
fn measured(description: &Description, each: u64, threads: usize) -> (Ending, Vec<Row>) {
    let system = Box::new(Adapter::start(description.clone(), 1, threads, None).unwrap());
    let catalogue = Catalogue::embedded().unwrap();
    let recipes = PIPELINES.map(|id| Arc::clone(catalogue.get(id).unwrap()));
    let negatives = Negatives {
        unsigned_share: 3,
        deceptions: &system.about().deceptions,
    };
    let set = SyntheticSet::new(17);
    let plan = plan(&set, recipes.to_vec(), Size::PerPipeline(each), negatives);
    let (ending, rows) = ran(&set, &plan, system, "sums", threads, &|_| ());
    assert_eq!(
        rows.len() as u64,
        plan.signed_ops + plan.negative_ops - ending.ops_not_made
    );
    (ending, rows.into_iter().map(Row::without_times).collect())
}

/// Kills the first process that runs a program of this folder, as far as the system lists them.
fn kill_one(folder: &Path) {
    let folder = folder.display().to_string();
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return;
    };
    for process in processes.flatten() {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let name = process.file_name();
        if String::from_utf8_lossy(&line).contains(&folder) {
            let kill = format!("kill -9 {}", name.to_string_lossy());
            let _ = Command::new("sh")
                .args(["-c", &kill])
                .stderr(Stdio::null())
                .status();
            return;
        }
    }
}

fn outcomes(rows: &[Row], trial: Trial, pipeline: &str) -> Vec<Outcome> {
    let mut found: Vec<Outcome> = rows
        .iter()
        .filter(|row| row.trial == trial && row.pipeline == pipeline)
        .map(|row| row.outcome)
        .collect();
    assert!(!found.is_empty());
    found.sort_unstable();
    found.dedup();
    found
}

fn is_usable(ending: &Ending) -> bool {
    let mut controls = ending.controls.iter();
    controls
        .find(|control| control.name.contains("answers"))
        .unwrap()
        .passed
}

#[test]
fn rows_of_an_honest_system_depend_on_no_thread_and_on_no_killed_worker() {
    let (_root, description) = adapter("honest");
    let (ending, rows) = measured(&description, 12, 1);
    assert!(
        ending.controls.iter().all(|control| control.passed),
        "{:?}",
        ending.controls
    );
    assert_eq!(
        outcomes(&rows, Trial::Signed, PIPELINES[0]),
        [Outcome::Recovered]
    );
    assert_eq!(
        outcomes(&rows, Trial::Signed, PIPELINES[1]),
        [Outcome::Lost]
    );
    assert_eq!(
        outcomes(&rows, Trial::Unsigned, PIPELINES[0]),
        [Outcome::Rejected]
    );
    for threads in [2, 8] {
        let again = measured(&description, 12, threads).1;
        assert!(again == rows, "{threads} threads");
    }
    // Workers die at moments that nobody chose.
    let done = AtomicBool::new(false);
    let program = description.folder.clone();
    let (ending, again) = std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..20 {
                std::thread::sleep(Duration::from_millis(250));
                if done.load(Ordering::Relaxed) {
                    break;
                }
                kill_one(&program);
            }
        });
        let measured = measured(&description, 12, 2);
        done.store(true, Ordering::Relaxed);
        measured
    });
    let was_killed = !ending.notes.is_empty();
    assert!(
        was_killed || !Path::new("/proc/self").exists(),
        "no worker was killed"
    );
    assert!(again == rows, "a killed worker changed a row");
}

#[test]
fn whatever_a_system_does_every_op_ends_as_a_row_with_its_cause() {
    let cases: [(&str, &[&str]); 8] = [
        ("crashes", &["adapter-crash", "adapter-unusable"]),
        ("hangs", &["adapter-timeout", "adapter-unusable"]),
        ("floods", &["adapter-protocol", "adapter-unusable"]),
        ("garbage", &["adapter-protocol", "adapter-unusable"]),
        ("twice", &["adapter-protocol", "adapter-unusable"]),
        ("wrong-answer", &["adapter-protocol", "adapter-unusable"]),
        ("wrong-payload", &["adapter-protocol", "adapter-unusable"]),
        ("errs", &["system"]),
    ];
    for (how, causes) in cases {
        let (_root, description) = adapter(how);
        let (ending, rows) = measured(&description, 24, 2);
        let failed: Vec<&Row> = rows
            .iter()
            .filter(|row| row.outcome == Outcome::Error)
            .collect();
        assert!(!failed.is_empty(), "{how}");
        for row in failed {
            let cause = row.error_cause.as_deref().unwrap();
            assert!(causes.contains(&cause), "{how}: {cause}: {:?}", row.error);
            assert!(
                row.error.as_ref().unwrap().contains("sums/"),
                "{:?}",
                row.error
            );
        }
        // Whoever says that it cannot read a file has answered; a run of nothing else is no run.
        assert_eq!(is_usable(&ending), how == "errs", "{how}");
    }
}

#[test]
fn liars_are_found_out_by_the_rows() {
    let (_root, description) = adapter("always");
    let (ending, rows) = measured(&description, 6, 2);
    for pipeline in PIPELINES {
        assert_eq!(
            outcomes(&rows, Trial::Signed, pipeline),
            [Outcome::Misattributed]
        );
        assert_eq!(
            outcomes(&rows, Trial::Unsigned, pipeline),
            [Outcome::Accepted]
        );
    }
    assert!(
        is_usable(&ending),
        "what a guest accepts is a finding, and no failure of the run"
    );
    let (_root, description) = adapter("never");
    let (_, rows) = measured(&description, 6, 2);
    assert_eq!(
        outcomes(&rows, Trial::Signed, PIPELINES[0]),
        [Outcome::Lost]
    );
    let (_root, description) = adapter("another");
    let (_, rows) = measured(&description, 6, 2);
    assert_eq!(
        outcomes(&rows, Trial::Signed, PIPELINES[0]),
        [Outcome::Misattributed]
    );
    // What is refused goes out as it came.
    let (_root, description) = adapter("refuses");
    let (ending, rows) = measured(&description, 6, 2);
    assert_eq!(
        outcomes(&rows, Trial::Signed, PIPELINES[0]),
        [Outcome::Lost]
    );
    assert!(is_usable(&ending));
    // A pipe full of standard error blocks nobody.
    let (_root, description) = adapter("loud");
    let (ending, rows) = measured(&description, 6, 2);
    assert_eq!(
        outcomes(&rows, Trial::Signed, PIPELINES[0]),
        [Outcome::Recovered]
    );
    assert!(is_usable(&ending));
}

#[test]
fn a_system_that_cannot_start_says_why_and_which_it_is() {
    let failure = |description: &Description| {
        let started = Adapter::start(description.clone(), 1, 1, None);
        started.err().unwrap()
    };
    for (how, words) in [
        ("missing", "no weights; fetch them"),
        ("exits", "exit status: 3"),
        ("old", "protocol 7 is not 1"),
        ("narrow", "payload_bits is 3"),
    ] {
        let (_root, description) = adapter(how);
        let failure = failure(&description);
        assert!(failure.reason().contains(words), "{how}: {failure:?}");
        assert!(
            failure.reason().contains(&format!("sums/{how}")),
            "{failure:?}"
        );
    }
    let (root, description) = adapter("honest");
    let program = root.path().join("sums/adapter.sh");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(failure(&description), Failure::Start(why) if why.contains("ermission")));
    std::fs::remove_file(&program).unwrap();
    assert!(matches!(failure(&description), Failure::Start(why) if why.contains("No such file")));
}

#[test]
fn an_adapter_toml_is_refused_for_what_is_wrong_in_it() {
    let (root, _) = adapter("honest");
    let path = root.path().join("sums/adapter.toml");
    let good = std::fs::read_to_string(&path).unwrap();
    for (change, words) in [
        ("secnds = 3\n", "secnds"),
        ("memory_mb = 0\n", "above 0"),
        ("packages = 3\n", "packages"),
    ] {
        std::fs::write(&path, format!("{good}{change}")).unwrap();
        let error = Description::of_folder(&root.path().join("sums")).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains(words) && error.contains("adapter.toml"),
            "{error}"
        );
    }
    for (from, to, words) in [
        (
            "command = [\"./adapter.sh\"]",
            "command = []",
            "names a program",
        ),
        ("title = \"sums\"\n", "", "title"),
        ("[\"honest\"]", "[\"../x\"]", "no name"),
    ] {
        std::fs::write(&path, good.replace(from, to)).unwrap();
        let error = Description::of_folder(&root.path().join("sums"))
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn the_conformance_test_passes_the_honest_and_fails_the_others() {
    let verdicts = |how: &str| {
        let (_root, description) = adapter(how);
        checked(&description, &SyntheticSet::new(3))
    };
    let honest = verdicts("honest");
    assert!(
        honest.iter().all(|check| check.verdict == Verdict::Passed),
        "{honest:?}"
    );
    assert!(honest.len() >= 10);
    for how in ["exits", "old", "format", "twice", "wrong-payload"] {
        let checks = verdicts(how);
        assert!(
            checks.iter().any(|check| !check.passed()),
            "{how}: {checks:?}"
        );
    }
    // What misses its own files, or takes others', is told so, and may be measured.
    for how in ["never", "always"] {
        let checks = verdicts(how);
        assert!(
            checks.iter().any(|check| check.verdict == Verdict::Noted),
            "{how}: {checks:?}"
        );
    }
}

/// A server that knows files by their check sum, and is busy each third time that it is asked to verify.
fn server() -> (String, Arc<AtomicBool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/sums", listener.local_addr().unwrap());
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    std::thread::spawn(move || {
        let known: Mutex<HashMap<Vec<u8>, String>> = Mutex::default();
        let asked = AtomicUsize::new(0);
        for stream in listener.incoming() {
            if stopped.load(Ordering::Relaxed) {
                return;
            }
            answer(&mut stream.unwrap(), &known, &asked);
        }
    });
    (url, stop)
}

fn answer(stream: &mut TcpStream, known: &Mutex<HashMap<Vec<u8>, String>>, asked: &AtomicUsize) {
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let mut next = || {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    };
    let path = next().split(' ').nth(1).unwrap_or_default().to_owned();
    let headers: HashMap<String, String> =
        std::iter::from_fn(|| Some(next()).filter(|line| !line.is_empty()))
            .filter_map(|line| {
                line.split_once(": ")
                    .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            })
            .collect();
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    lines.read_exact(&mut body).unwrap();
    let json = |text: String| ("200 OK", "application/json", text.into_bytes());
    let (status, kind, body) = match path.as_str() {
        "/sums/hello" => {
            assert!(!String::from_utf8(body).unwrap().contains("work_dir"));
            json(
                r#"{"protocol":1,"system":{"name":"sums","version":"2"},"inputs":["image/jpeg","image/png","image/webp"],
                    "carrier":{"name":"sum","place":"store"},"deterministic":true}"#
                    .to_owned(),
            )
        }
        "/sums/sign" if headers["content-type"] == "image/webp" => {
            ("415 No", "text/plain", Vec::new())
        }
        "/sums/sign" => {
            known
                .lock()
                .unwrap()
                .insert(body.clone(), headers["credlink-id"].clone());
            ("200 OK", "image/any", body)
        }
        "/sums/verify" if asked.fetch_add(1, Ordering::Relaxed) % 3 == 2 => {
            ("503 Busy", "text/plain", Vec::new())
        }
        "/sums/verify" => json(match known.lock().unwrap().get(&body) {
            Some(id) => format!(r#"{{"status":"ok","state":"found","id":"{id}"}}"#),
            None => r#"{"status":"ok","state":"absent"}"#.to_owned(),
        }),
        _ => ("404 Not Found", "text/plain", Vec::new()),
    };
    let kind = if kind == "image/any" {
        headers["content-type"].as_str()
    } else {
        kind
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream
        .write_all(head.as_bytes())
        .and_then(|()| stream.write_all(&body));
}

#[test]
fn a_server_is_measured_like_a_program() {
    let (url, stop) = server();
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("remote");
    std::fs::create_dir(&folder).unwrap();
    let file = |url: &str| {
        format!(
            "title = \"t\"\nabout = \"a\"\nlicence = \"MIT\"\nsource = \"s\"\nurl = \"{url}\"\nseconds = 5\n"
        )
    };
    std::fs::write(folder.join("adapter.toml"), file(&url)).unwrap();
    let description = Description::of_folder(&folder).unwrap().remove(0);
    let (ending, rows) = measured(&description, 6, 2);
    assert!(
        ending.controls.iter().all(|control| control.passed),
        "{:?}",
        ending.controls
    );
    let identity: Vec<&Row> = rows
        .iter()
        .filter(|row| row.trial == Trial::Signed && row.pipeline == PIPELINES[0])
        .collect();
    for row in &identity {
        let expected = if row.image_format == "webp" {
            Outcome::Lost
        } else {
            Outcome::Recovered
        };
        assert_eq!(row.outcome, expected, "{}", row.name);
    }
    assert!(
        identity.iter().any(|row| row.image_format == "webp"),
        "one that it refuses"
    );
    assert_eq!(
        outcomes(&rows, Trial::Unsigned, PIPELINES[0]),
        [Outcome::Rejected]
    );
    stop.store(true, Ordering::Relaxed);
    // Nobody there, and no address at all.
    for (url, words) in [
        ("http://127.0.0.1:9/x", "remote (127.0.0.1)"),
        ("ftp://x/y", "no address of a system"),
    ] {
        std::fs::write(folder.join("adapter.toml"), file(url)).unwrap();
        let description = Description::of_folder(&folder).unwrap().remove(0);
        let failure = Adapter::start(description, 1, 1, None).err().unwrap();
        assert!(failure.reason().contains(words), "{failure:?}");
    }
}

#[test]
fn the_examples_in_the_documentation_are_the_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = std::fs::read_to_string(root.join("docs/ADAPTERS.md")).unwrap();
    let mut parts = text.split("<!-- file: ").skip(1).peekable();
    assert!(parts.peek().is_some());
    for part in parts {
        let (path, rest) = part.split_once(" -->").unwrap();
        let block = rest.split("```").nth(1).unwrap();
        let (_, shown) = block.split_once('\n').unwrap();
        let file = std::fs::read_to_string(root.join(path)).unwrap();
        assert_eq!(shown.trim_end(), file.trim_end(), "{path}");
    }
}
