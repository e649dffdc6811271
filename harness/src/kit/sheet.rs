//! The sheet that a person fills in: one line for each file and service, tab-separated, so that any table program opens it.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::{Kit, folder_of};

/// The columns, in order. What is to be filled in begins with `date`.
pub const COLUMNS: [&str; 9] = [
    "file",
    "service",
    "what it tells",
    "date",
    "app and version",
    "settings",
    "returned file",
    "grade",
    "note",
];

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The file that was posted.
    pub file: String,
    /// The recipe of the service.
    pub service: String,
    /// When it was fetched, `2026-01-31`; empty where nobody said.
    pub date: String,
    /// Which app, of which version.
    pub app: String,
    /// Its settings.
    pub settings: String,
    /// What came back, a path within the folder of what came back; empty where its name or its picture tell.
    pub returned: String,
    /// How sure whoever filled it in is of it, in their words.
    pub grade: String,
    /// What else there is to say.
    pub note: String,
}

/// The sheet of a kit, to be filled in.
#[must_use]
pub fn empty(kit: &Kit) -> String {
    let mut text = COLUMNS.join("\t") + "\n";
    for pipeline in &kit.pipelines {
        for image in &kit.images {
            let blanks = "\t".repeat(COLUMNS.len() - 3);
            text.push_str(&format!(
                "{}\t{}\t{}{blanks}\n",
                image.file, pipeline.id, image.purpose
            ));
        }
    }
    text
}

/// Reads a sheet that was filled in.
///
/// # Errors
/// Names the line: of another width, of a file or service that the kit does not have, of a date that is none, or of a file that lies
/// elsewhere.
pub fn read(path: &Path, kit: &Kit) -> Result<Vec<Line>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("failed to read {}", path.display()))?;
    parse(&text, kit).with_context(|| format!("{} is not as it was given out", path.display()))
}

fn parse(text: &str, kit: &Kit) -> Result<Vec<Line>> {
    let mut lines = text
        .trim_start_matches('\u{feff}')
        .lines()
        .map(|line| line.trim_end_matches('\r'));
    let head: Vec<&str> = lines
        .next()
        .unwrap_or_default()
        .split('\t')
        .map(unquoted)
        .collect();
    ensure!(
        head == COLUMNS,
        "its first line must be: {}",
        COLUMNS.join(", ")
    );
    let mut found = Vec::new();
    for (number, line) in lines
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let number = number + 2;
        let mut fields: Vec<&str> = line.split('\t').map(unquoted).collect();
        // Table programs drop what is empty at the end.
        ensure!(
            fields.len() <= COLUMNS.len(),
            "line {number} has {} columns",
            fields.len()
        );
        fields.resize(COLUMNS.len(), "");
        let [file, service, _, date, app, settings, returned, grade, note] = fields[..] else {
            bail!("line {number} has {} columns", fields.len());
        };
        ensure!(
            kit.images.iter().any(|image| image.file == file),
            "line {number}: {file:?} is no file of the kit"
        );
        ensure!(
            kit.pipelines.iter().any(|one| one.id == service),
            "line {number}: {service:?} is no service of the kit"
        );
        ensure!(
            date.is_empty() || is_date(date),
            "line {number}: {date:?} is no date; write 2026-01-31"
        );
        let steps = Path::new(returned).components();
        let stays = steps
            .clone()
            .all(|step| matches!(step, std::path::Component::Normal(_)));
        ensure!(
            stays,
            "line {number}: {returned:?} leads out of the folder of what came back"
        );
        let own = |text: &str| text.to_owned();
        found.push(Line {
            file: own(file),
            service: own(service),
            date: own(date),
            app: own(app),
            settings: own(settings),
            returned: own(returned),
            grade: own(grade),
            note: own(note),
        });
    }
    Ok(found)
}

/// Without the quotes that table programs put around a field.
fn unquoted(field: &str) -> &str {
    let inner = field
        .strip_prefix('"')
        .and_then(|field| field.strip_suffix('"'));
    inner.unwrap_or(field).trim()
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let number = |part: &str, width: usize, most: u32| {
        part.len() == width
            && part
                .parse::<u32>()
                .is_ok_and(|number| (1..=most).contains(&number))
    };
    matches!(parts[..], [year, month, day] if number(year, 4, 9999) && number(month, 2, 12) && number(day, 2, 31))
}

/// What a person does with a kit.
#[must_use]
pub fn instructions(kit: &Kit) -> String {
    let services: Vec<String> = kit
        .pipelines
        .iter()
        .map(|one| {
            format!(
                "- `{}`: what comes back goes into `returned/{}/`\n",
                one.id,
                folder_of(&one.id)
            )
        })
        .collect();
    format!(
        "# What to post, and how\n\n\
         {count} signed pictures are in `post/`. Whoever posts them needs nothing else of this folder; `keys/` must stay where it is.\n\n\
         {services}\n\
         For each service:\n\n\
         1. Bring `post/` onto the phone or computer without any app that changes pictures: by cable, as a ZIP file, or from a file \
         store as *files*. Not by a messenger, and not through a gallery that offers to \"optimise\".\n\
         2. Note the app and its version (in its settings, under \"About\"), and every setting about quality or data saving, in \
         `sheet.tsv`. One line is one file on one service; a table program opens it, and must save it with tabs again.\n\
         3. Post the files, a few at a time, in the order of their names, as an ordinary user would: no filter, no crop, no caption on \
         the picture. An account that only you see is enough where the service treats it alike.\n\
         4. Fetch each picture back: by the service's own \"save\" where there is one, else the picture's address in a browser (\"open \
         image in new tab\", then save). Not a screenshot. From another account or device than the one that posted, where you can: \
         some apps show their own copy.\n\
         5. Put what comes back into the folder above. Keep the names that the service gives, or give the old ones; both are found. \
         Where two could be confused, write the name into the column `returned file`.\n\
         6. Write the date (2026-01-31) at least into the first line of each service; it counts for the lines below it.\n\n\
         Then: `credlink trial collect DIR RETURNED`. What was not posted or did not come back may be left out; it is counted.\n\n\
         Do not send the pictures on to another service in between, and do not edit `sheet.tsv`'s first three columns.\n",
        count = kit.images.len(),
        services = services.concat()
    )
}
