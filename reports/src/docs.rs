//! The parts of the documentation that show figures: written from a committed summary of a run, never by hand.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::beside::Portrait;
use crate::figures::bytes;
use crate::file_error::{FileError, refused};
use crate::formats::{cell_text, markdown_escaped};
use crate::report::Report;
use crate::summary::Summary;
use crate::tables::{Kind, Table};
use crate::usable::unusable;

/// Where the summary is in the repository.
pub const SUMMARY: &str = "docs/results/summary.json";
/// The page with every table.
pub const PAGE: &str = "docs/SURVIVAL-RATE.md";
/// The page with the result block.
pub const README: &str = "README.md";

const BEGIN: &str = "<!-- result:begin -->";
const END: &str = "<!-- result:end -->";

/// Documentation that could not be written or checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DocsError {
    /// The operating system refused a file operation.
    #[error(transparent)]
    Io(#[from] FileError),
    /// The summary is not what it should be.
    #[error("{path} is not a summary of a run; make it anew with `credlink docs --from RUN`")]
    Summary {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// The README has no place for the results.
    #[error("{path} needs the lines {BEGIN} and {END}, in this order, once each")]
    Marks {
        /// The file.
        path: PathBuf,
    },
    /// The summary is not what was written.
    #[error("{path} was edited after it was made; make it anew with `credlink docs --from RUN`")]
    Edited {
        /// The file.
        path: PathBuf,
    },
    /// A run whose figures must not be published.
    #[error("run {id} {reason}; its figures are not for the documentation")]
    Unfit {
        /// The run.
        id: String,
        /// Why.
        reason: String,
    },
}

/// A table as words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordTable {
    /// Its title.
    pub title: String,
    /// Titles of its columns, and whether they hold figures.
    pub columns: Vec<(String, bool)>,
    /// Its cells.
    pub rows: Vec<Vec<String>>,
    /// What a reader must know.
    pub notes: Vec<String>,
}

impl WordTable {
    /// The table and its notes in Markdown.
    fn write(&self, text: &mut String) {
        let titles = self.columns.iter().map(|(title, _)| title.as_str());
        line(text, titles.map(markdown_escaped));
        let rules = self.columns.iter();
        line(
            text,
            rules.map(|(_, is_figure)| if *is_figure { "---:" } else { "---" }.to_owned()),
        );
        for row in &self.rows {
            line(text, row.iter().map(|cell| markdown_escaped(cell)));
        }
        if !self.notes.is_empty() {
            text.push('\n');
        }
        for note in &self.notes {
            let _ = writeln!(text, "- {}", markdown_escaped(note));
        }
    }
}

/// What the documentation shows of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Results {
    /// Version of the file, 1.
    pub version: u32,
    /// Name of the run.
    pub run: String,
    /// When it began.
    pub created: String,
    /// The command, without the paths of a machine.
    pub command: String,
    /// Seed, images, machine and cost in a sentence.
    pub about: String,
    /// The terminal's table, line by line.
    pub terminal: Vec<String>,
    /// The first figures beside those of another run, where the run was told of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<WordTable>,
    /// Every table.
    pub tables: Vec<WordTable>,
    /// SHA-256 over all of the above, in hex: a figure that was changed by hand no longer fits it.
    #[serde(default)]
    pub digest: String,
}

impl Results {
    /// What the documentation shows of this run.
    ///
    /// # Errors
    /// [`DocsError::Unfit`] for a run whose figures must not be used.
    pub fn of(report: &Report) -> Result<Self, DocsError> {
        let summary = Summary::new(&report.evidence, Vec::new()).to_string();
        let terminal = summary.lines().map(str::to_owned).collect();
        let tables = report.tables.iter().map(word_table).collect();
        Self::with(report, terminal, beside(report), tables)
    }

    /// The same with other contents.
    ///
    /// # Errors
    /// As [`Results::of`].
    pub(crate) fn with(
        report: &Report,
        terminal: Vec<String>,
        beside: Option<WordTable>,
        tables: Vec<WordTable>,
    ) -> Result<Self, DocsError> {
        let header = report.evidence.header();
        if let Some(reason) = unusable(&report.evidence) {
            return Err(DocsError::Unfit {
                id: header.id.clone(),
                reason: reason.to_string(),
            });
        }
        let machine = &header.machine;
        let set = &header.image_set;
        let digest: String = set.digest.chars().take(16).collect();
        let results = Self {
            version: 1,
            run: header.id.clone(),
            created: header.created.clone(),
            command: command(&header.command_line),
            about: format!(
                "seed {}, image set {}, digest {digest}; {:.0} s on {} threads of {} ({}), {} peak memory",
                header.seed,
                set.name,
                header.elapsed_s,
                header.threads,
                machine.cpu,
                machine.os,
                bytes(header.peak_memory_bytes)
            ),
            terminal,
            beside,
            tables,
            digest: String::new(),
        };
        results.sealed()
    }

    /// Tables that are of no single run, or of several.
    ///
    /// # Errors
    /// Never; the digest is over text.
    pub(crate) fn of_tables(
        run: String,
        created: String,
        command_line: &[String],
        about: String,
        tables: &[Table],
    ) -> Result<Self, DocsError> {
        let results = Self {
            version: 1,
            run,
            created,
            command: command(command_line),
            about,
            terminal: Vec::new(),
            beside: None,
            tables: tables.iter().map(word_table).collect(),
            digest: String::new(),
        };
        results.sealed()
    }

    /// Tables of several runs.
    ///
    /// # Errors
    /// As [`Results::of_tables`].
    pub(crate) fn joined(runs: &[Self], tables: Vec<WordTable>) -> Result<Self, DocsError> {
        let names: Vec<&str> = runs.iter().map(|run| run.run.as_str()).collect();
        let others = runs.iter().skip(1);
        let others = others.map(|run| format!("; and {}; {}", run.command, run.about));
        let Some(first) = runs.first() else {
            return Self::of_tables(String::new(), String::new(), &[], String::new(), &[]);
        };
        let results = Self {
            run: names.join(" and "),
            about: first.about.clone() + &others.collect::<String>(),
            tables,
            ..first.clone()
        };
        results.sealed()
    }

    /// The same with its digest.
    fn sealed(self) -> Result<Self, DocsError> {
        Ok(Self {
            digest: self.own_digest()?,
            ..self
        })
    }

    /// The digest of everything but itself.
    fn own_digest(&self) -> Result<String, DocsError> {
        let bare = Self {
            digest: String::new(),
            ..self.clone()
        };
        let text = serde_json::to_vec(&bare).map_err(|source| DocsError::Summary {
            path: SUMMARY.into(),
            source,
        })?;
        Ok(format!("{:x}", Sha256::digest(text)))
    }

    /// Reads the summary of a repository.
    ///
    /// # Errors
    /// [`DocsError::Io`], [`DocsError::Summary`] with line and column, [`DocsError::Edited`] if a figure was changed by
    /// hand.
    pub fn read(path: &Path) -> Result<Self, DocsError> {
        let text = crate::input::text(path).map_err(refused("read", path))?;
        let results: Self = serde_json::from_str(&text).map_err(|source| DocsError::Summary {
            path: path.into(),
            source,
        })?;
        if results.own_digest()? != results.digest {
            return Err(DocsError::Edited { path: path.into() });
        }
        Ok(results)
    }

    /// The summary as a file.
    ///
    /// # Errors
    /// [`DocsError::Io`] if it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), DocsError> {
        let text = serde_json::to_string_pretty(self).map_err(|source| DocsError::Summary {
            path: path.into(),
            source,
        })?;
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(refused("create", folder))?;
        }
        crate::atomic::write(path, format!("{text}\n").as_bytes())
            .map_err(refused("write", path))?;
        Ok(())
    }

    /// `docs/SURVIVAL-RATE.md`.
    pub fn page(&self) -> String {
        let title = "# Survival of provenance proofs through simulated pipelines";
        self.page_of(title, SUMMARY, "credlink docs --from RUN")
    }

    /// A page of all tables below a title; `summary` is the file that it is written from, which `maker` makes.
    pub(crate) fn page_of(&self, title: &str, summary: &str, maker: &str) -> String {
        let file = summary.trim_start_matches("docs/");
        let mut text = format!(
            "{title}\n\n\
             Written by `credlink docs` from [{file}]({file}), which `{maker}` \
             made of run {}, {}. Nothing here is typed by hand; how to read it stands in \
             [METHODOLOGY.md](../METHODOLOGY.md). The run: `{}`; {}.\n",
            markdown_escaped(&self.run),
            markdown_escaped(&self.created),
            self.command.replace('`', "'"),
            markdown_escaped(&self.about)
        );
        for table in self.beside.iter().chain(&self.tables) {
            let _ = write!(text, "\n## {}\n\n", markdown_escaped(&table.title));
            table.write(&mut text);
        }
        text
    }

    /// The result block of the README, without its marks.
    pub fn block(&self) -> String {
        let mut text = format!(
            "`{}` (simulated pipelines; {}):\n\n```text\n",
            self.command.replace('`', "'"),
            markdown_escaped(&self.about)
        );
        for line in &self.terminal {
            let _ = writeln!(text, "{}", line.replace("```", "'''"));
        }
        text.push_str("```\n");
        if let Some(table) = &self.beside {
            text.push('\n');
            table.write(&mut text);
        }
        text
    }

    /// Every generated file of a repository as it should be, with its path.
    ///
    /// # Errors
    /// [`DocsError::Io`], [`DocsError::Marks`].
    pub fn files(&self, repository: &Path) -> Result<Vec<(PathBuf, String)>, DocsError> {
        let readme = repository.join(README);
        let text = crate::input::text(&readme).map_err(refused("read", &readme))?;
        let marks = DocsError::Marks {
            path: readme.clone(),
        };
        let once = |mark: &str| text.matches(mark).count() == 1;
        let parts = text
            .split_once(BEGIN)
            .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
        let Some((before, after)) = parts.filter(|_| once(BEGIN) && once(END)) else {
            return Err(marks);
        };
        let readme_text = format!("{before}{BEGIN}\n{}{END}{after}", self.block());
        Ok(vec![
            (repository.join(PAGE), self.page()),
            (readme, readme_text),
        ])
    }
}

/// A table as words.
fn word_table(table: &Table) -> WordTable {
    WordTable {
        title: table.title.clone(),
        columns: table
            .columns
            .iter()
            .map(|column| {
                let is_words = matches!(column.kind, Kind::Text | Kind::Counts(_));
                (column.title.clone(), !is_words)
            })
            .collect(),
        rows: table
            .rows
            .iter()
            .map(|values| {
                let cells = table.columns.iter().zip(values);
                cells
                    .map(|(column, value)| cell_text(&column.kind, value))
                    .collect()
            })
            .collect(),
        notes: table.notes.clone(),
    }
}

/// The first figures of a run beside those of the run that it was told of.
fn beside(report: &Report) -> Option<WordTable> {
    let other = report.beside.as_ref()?;
    let own = Portrait::of(&report.evidence).ok()?;
    let titles = ["figure", "this run", &other.run];
    Some(WordTable {
        title: format!("Beside run {}, simulated", other.run),
        columns: titles
            .iter()
            .map(|title| ((*title).to_owned(), *title != "figure"))
            .collect(),
        rows: own.beside(other).into_iter().map(Vec::from).collect(),
        notes: vec![
            "What a run says in sum depends on which pipelines were chosen; controls are part of neither."
                .to_owned(),
        ],
    })
}

/// Writes the generated files that are not as they should be, or only names them.
///
/// # Errors
/// [`DocsError`]; with `check` nothing is written.
pub fn update(
    results: &Results,
    repository: &Path,
    check: bool,
) -> Result<Vec<PathBuf>, DocsError> {
    written(results.files(repository)?, check)
}

/// Writes the page that is made from a summary, if the repository has that and the page is not as it should be, or only names
/// it.
///
/// # Errors
/// [`DocsError`]; with `check` nothing is written.
pub(crate) fn update_page(
    repository: &Path,
    (summary, page): (&str, &str),
    text: fn(&Results) -> String,
    check: bool,
) -> Result<Vec<PathBuf>, DocsError> {
    let summary = repository.join(summary);
    if !summary.exists() {
        return Ok(Vec::new());
    }
    let text = text(&Results::read(&summary)?);
    written(vec![(repository.join(page), text)], check)
}

/// Writes the files that are not as they should be, or only names them.
///
/// # Errors
/// [`DocsError::Io`]; with `check` nothing is written.
pub fn written(files: Vec<(PathBuf, String)>, check: bool) -> Result<Vec<PathBuf>, DocsError> {
    let mut differing = Vec::new();
    for (path, text) in files {
        if crate::input::text(&path).is_ok_and(|current| current == text) {
            continue;
        }
        if !check {
            crate::atomic::write(&path, text.as_bytes()).map_err(refused("write", &path))?;
        }
        differing.push(path);
    }
    Ok(differing)
}

/// Options whose value is a folder of the machine: its name alone says what it was.
const FOLDERS: [&str; 4] = ["--images", "--signed", "--adapters", "--recipes"];

/// The command with the program's bare name, without where it wrote, and with the names of folders alone.
fn command(words: &[String]) -> String {
    let mut kept = vec!["credlink".to_owned()];
    let mut words = words.iter().skip(1);
    while let Some(word) = words.next() {
        if word == "--out" {
            words.next();
        } else if !word.starts_with("--out=") {
            kept.push(word.clone());
            if FOLDERS.contains(&word.as_str()) {
                let folder = words.next().map(Path::new);
                let name = folder.and_then(|folder| folder.file_name());
                kept.extend(name.map(|name| name.to_string_lossy().into_owned()));
            }
        }
    }
    kept.join(" ")
}

fn line(text: &mut String, cells: impl Iterator<Item = String>) {
    text.push('|');
    for cell in cells {
        let _ = write!(text, " {cell} |");
    }
    text.push('\n');
}
