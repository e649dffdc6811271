//! Files that platforms wrote, as numbers: the rows of `evidence/observed.tsv`, which recipes of grade O rest on.
//!
//! A row is one file: where it was found, its size, its tables, scans, segments and metadata. Nobody can choose among them by
//! hand: a source names a platform, years and traits, and every row that has them counts.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use credlink_image_files::decode::scans;
use credlink_image_files::{DecodeError, ImageFile};
use serde::Deserialize;

use crate::codecs::jpeg;

/// One file that a platform wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Which platform, in the file's words.
    pub platform: String,
    /// The last year in which it may have been written.
    pub year: u16,
    /// The public repository it was found in, `owner/name`.
    pub repository: String,
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// The format, by its usual name.
    pub format: String,
    /// Which tables: an IJG quality, `mozjpeg-t3:Q`, `jpegli:Q`, or `~Q` for the nearest.
    pub quality: String,
    /// The sum of the luma table; `None` without one.
    pub luma_sum: Option<u32>,
    /// The sum of the first chroma table; `None` without one.
    pub chroma_sum: Option<u32>,
    /// Chroma sampling, such as `4:2:0`; empty without.
    pub sampling: String,
    /// `prog` or `base`, a colon and the number of scans.
    pub scans: String,
    /// The segments in order.
    pub segments: String,
    /// The profile's name and length; empty without one.
    pub icc: String,
    /// Whether EXIF was there.
    pub exif: bool,
    /// Unit and dots of the JFIF header; empty without one.
    pub density: String,
    /// What else is known, such as what was uploaded.
    pub note: String,
}

impl Seen {
    /// The first line of a file of rows.
    pub const HEAD: &'static str = "platform\tyear\trepo\twidth\theight\tformat\tquality\tluma_dqt_sum\tchroma_dqt_sum\tsampling\tscans\trestart\tsegments\ticc\texif\tbytes\tjfif_density\textra\tcommit\tnote\n";

    /// What a file says of its making, as a line of such rows, without its end. `source` is `owner/name@commit`, or whose
    /// the file is.
    ///
    /// # Errors
    /// When the file cannot be decoded.
    pub fn line(
        platform: &str,
        year: u16,
        source: &str,
        file: &ImageFile,
        upload_known: bool,
    ) -> Result<String, DecodeError> {
        let frame = file.frame()?;
        let (width, height) = (frame.pixels.width(), frame.pixels.height());
        let (repository, commit) = source.split_once('@').unwrap_or((source, ""));
        let coding = Coding::of(file.bytes()).unwrap_or_default();
        let icc = frame.metadata.icc.as_ref();
        let exif = match frame.metadata.exif {
            Some(_) => "yes",
            None => "no",
        };
        let fields = [
            platform,
            &year.to_string(),
            repository,
            &width.to_string(),
            &height.to_string(),
            file.format().as_str(),
            &coding.quality,
            &coding.luma,
            &coding.chroma,
            &coding.sampling,
            &coding.scans,
            "",
            &jpeg::segment_names(file.bytes()),
            &icc.map_or_else(String::new, |icc| format!("icc({})", icc.len())),
            exif,
            &file.bytes().len().to_string(),
            &coding.density,
            "",
            commit,
            if upload_known { KNOWN } else { "" },
        ];
        let clean = |field: &&str| field.replace(['\t', '\n', '\r'], " ");
        Ok(fields.iter().map(clean).collect::<Vec<_>>().join("\t"))
    }
}

/// How the column `scans` begins for such a file.
pub(crate) const fn scan_kind(traits: &jpeg::Traits) -> &'static str {
    if traits.progressive { "prog" } else { "base" }
}

/// How a JPEG is coded, as the columns have it.
#[derive(Default)]
struct Coding {
    quality: String,
    luma: String,
    chroma: String,
    sampling: String,
    scans: String,
    density: String,
}

impl Coding {
    /// `None` for what is no JPEG.
    fn of(file: &[u8]) -> Option<Self> {
        let traits = jpeg::traits(file)?;
        let digits = |sum: Option<u32>| sum.map_or_else(String::new, |sum| sum.to_string());
        let (luma, chroma) = jpeg::table_sums(file);
        Some(Self {
            quality: jpeg::named_quality(file).unwrap_or_default(),
            luma: digits(luma),
            chroma: digits(chroma),
            sampling: traits.chroma().map_or("", jpeg::Chroma::as_str).to_owned(),
            scans: format!("{}:{}", scan_kind(&traits), scans(file)),
            density: jpeg::density(file).unwrap_or_default(),
        })
    }
}

/// Which rows a source means: all of a platform that have these traits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// The platform.
    pub platform: String,
    /// The earliest year.
    pub since: Option<u16>,
    /// The latest year.
    pub until: Option<u16>,
    /// The column `quality`.
    pub quality: Option<String>,
    /// The column `sampling`.
    pub sampling: Option<String>,
    /// How the column `scans` begins.
    pub scans: Option<String>,
    /// The column `repo`.
    pub repo: Option<String>,
    /// The column `format`.
    pub format: Option<String>,
}

/// How many files of how many repositories, when, and what is known of their uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Files.
    pub files: usize,
    /// Repositories that they were found in; one often means one person.
    pub repositories: usize,
    /// First and last year.
    pub years: (u16, u16),
    /// Files whose upload is known.
    pub known_uploads: usize,
    /// Files of the platform in the same years.
    pub of: usize,
}

impl std::fmt::Display for Extent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plural = |count: usize, noun: &str, many: &str| match count {
            1 => format!("1 {noun}"),
            count => format!("{count} {many}"),
        };
        let (first, last) = self.years;
        let years = if first == last {
            last.to_string()
        } else {
            format!("{first} to {last}")
        };
        write!(
            f,
            "{} of {}, {}, {years}, upload {}",
            plural(self.files, "file", "files"),
            self.of,
            plural(self.repositories, "repository", "repositories"),
            match self.known_uploads {
                0 => "unknown".to_owned(),
                known if known == self.files => "known".to_owned(),
                known => format!("known of {known}"),
            }
        )
    }
}

impl Selection {
    fn in_years(&self, seen: &Seen) -> bool {
        seen.platform == self.platform
            && self.since.is_none_or(|since| seen.year >= since)
            && self.until.is_none_or(|until| seen.year <= until)
    }

    fn holds(&self, seen: &Seen) -> bool {
        let is = |wanted: &Option<String>, found: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == found)
        };
        self.in_years(seen)
            && is(&self.quality, &seen.quality)
            && is(&self.sampling, &seen.sampling)
            && is(&self.repo, &seen.repository)
            && is(&self.format, &seen.format)
            && self
                .scans
                .as_ref()
                .is_none_or(|scans| seen.scans.starts_with(scans.as_str()))
    }

    /// The rows that are meant.
    ///
    /// # Errors
    /// In words, where the file of rows cannot be read.
    pub fn rows(&self) -> Result<Vec<&'static Seen>, String> {
        Ok(all()?.iter().filter(|seen| self.holds(seen)).collect())
    }

    /// What the rows amount to; `None` where there are none.
    #[must_use]
    pub fn extent(&self) -> Option<Extent> {
        let rows = self.rows().ok()?;
        let years = || rows.iter().map(|seen| seen.year);
        let repositories: BTreeSet<&str> =
            rows.iter().map(|seen| seen.repository.as_str()).collect();
        let known = rows.iter().filter(|seen| seen.note.starts_with(KNOWN));
        Some(Extent {
            files: rows.len(),
            repositories: repositories.len(),
            years: (years().min()?, years().max()?),
            known_uploads: known.count(),
            of: all()
                .ok()?
                .iter()
                .filter(|seen| self.in_years(seen))
                .count(),
        })
    }
}

/// How the note of a file begins whose upload is known.
const KNOWN: &str = "upload known";

/// All rows, read once.
///
/// # Errors
/// In words, the first line that cannot be read.
pub fn all() -> Result<&'static [Seen], String> {
    static ROWS: LazyLock<Result<Vec<Seen>, String>> =
        LazyLock::new(|| parse(include_str!("../evidence/observed.tsv")));
    ROWS.as_deref().map_err(Clone::clone)
}

fn parse(text: &str) -> Result<Vec<Seen>, String> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let mut rows = Vec::new();
    for (number, line) in lines.enumerate() {
        let fields: Vec<&str> = line.split('\t').collect();
        let wrong = |name: &str| format!("observed.tsv, line {}: {name}", number + 2);
        let text = |name: &str| -> Result<String, String> {
            let place = names.iter().position(|known| *known == name);
            let field = place.and_then(|place| fields.get(place));
            field
                .map(|field| (*field).to_owned())
                .ok_or_else(|| wrong(name))
        };
        let number = |name: &str| text(name)?.parse::<u32>().map_err(|_| wrong(name));
        let sum = |name: &str| match text(name)?.as_str() {
            "" => Ok(None),
            digits => digits.parse().map(Some).map_err(|_| wrong(name)),
        };
        // `2024`, `<=2025`, `2021-2026`: the last year counts.
        let year = text("year")?;
        let digits = year.len().saturating_sub(4);
        rows.push(Seen {
            platform: text("platform")?,
            year: year
                .get(digits..)
                .and_then(|year| year.parse().ok())
                .ok_or_else(|| wrong("year"))?,
            repository: text("repo")?,
            size: (number("width")?, number("height")?),
            format: text("format")?,
            quality: text("quality")?,
            luma_sum: sum("luma_dqt_sum")?,
            chroma_sum: sum("chroma_dqt_sum")?,
            sampling: text("sampling")?,
            scans: text("scans")?,
            segments: text("segments")?,
            icc: text("icc")?,
            exif: text("exif")? == "yes",
            density: text("jfif_density")?,
            note: text("note")?,
        });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_read_and_counted() {
        let rows = all().unwrap();
        assert_eq!(rows.len(), 471);
        let whatsapp = Selection {
            platform: "whatsapp".to_owned(),
            quality: Some("mozjpeg-t3:80".to_owned()),
            ..Selection::default()
        };
        let extent = whatsapp.extent().unwrap();
        assert_eq!((extent.files, extent.repositories), (33, 10));
        assert_eq!(extent.years, (2018, 2026));
        let none = Selection {
            platform: "nobody".to_owned(),
            ..Selection::default()
        };
        assert_eq!((none.extent(), none.rows().unwrap().len()), (None, 0));
    }

    #[test]
    fn a_line_of_a_file_is_read_back_as_what_the_file_is() {
        let text = include_str!("../evidence/observed.tsv");
        assert!(text.starts_with(Seen::HEAD), "the columns have changed");
        let settings = jpeg::Settings {
            encoder: jpeg::Encoder::Jpegli,
            quality: 65,
            chroma: jpeg::Chroma::Quarter,
            progressive: true,
        };
        let file = jpeg::encode(&image::DynamicImage::new_rgb8(40, 24), settings).unwrap();
        let file = ImageFile::new(file).unwrap();
        let line = Seen::line("somebody", 2026, "a/b@c0ffee", &file, true).unwrap();
        let rows = parse(&format!("{}{line}\n", Seen::HEAD)).unwrap();
        let [seen] = rows.as_slice() else {
            panic!("{rows:?}")
        };
        assert_eq!((seen.platform.as_str(), seen.year), ("somebody", 2026));
        assert_eq!((seen.repository.as_str(), seen.size), ("a/b", (40, 24)));
        assert_eq!((seen.luma_sum, seen.chroma_sum), (Some(1693), Some(1420)));
        assert_eq!(seen.quality, "jpegli:65");
        assert_eq!(seen.scans, format!("prog:{}", scans(file.bytes())));
        assert!(seen.note.starts_with(KNOWN) && !seen.exif && seen.icc.is_empty());
        // A scan within a segment, as a thumbnail in EXIF has one, is none of the picture's.
        let hidden = [0xFF, 0xFE, 0, 6, 0xFF, 0xDA, 0xFF, 0xDA];
        let mut with_hidden = file.bytes().to_vec();
        with_hidden.splice(2..2, hidden);
        let with_hidden = ImageFile::new(with_hidden).unwrap();
        let again = Seen::line("somebody", 2026, "a/b@c0ffee", &with_hidden, true).unwrap();
        assert!(again.contains(&format!("\t{}\t", seen.scans)), "{again}");
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        let error = parse("platform\tyear\nx\tyesterday").unwrap_err();
        assert_eq!(error, "observed.tsv, line 2: year");
    }
}
