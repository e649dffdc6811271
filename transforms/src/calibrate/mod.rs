//! Does a recipe explain what a service really did? Pairs of files, as uploaded and as downloaded, are compared with
//! what the recipe makes of the upload, parameter by parameter.

pub mod patch;
pub mod rank;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::codecs::{jpeg, quantisers};
use crate::error::StepError;
use crate::recipe::Recipe;
use crate::resign::Surroundings;
use credlink_image_files::metadata::{self, Kind};
use credlink_image_files::{Format, ImageFile};

/// What is compared, in the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Parameter {
    /// The file format.
    Format,
    /// Width and height in pixels as coded.
    Dimensions,
    /// The IJG quality whose luma table is nearest to the file's.
    Quality,
    /// The quantisation tables, entry by entry.
    Tables,
    /// Luma sampling factors.
    Sampling,
    /// Progressive or baseline scans.
    Scans,
    /// The JFIF header's density.
    Density,
    /// The quantiser's index of a WebP or AVIF file.
    Quantiser,
    /// Entries in the palette of a PNG.
    Palette,
    /// Whether one kind of metadata is there.
    Metadata(Kind),
}

impl Parameter {
    fn name(self) -> String {
        match self {
            Self::Format => "format".to_owned(),
            Self::Dimensions => "dimensions".to_owned(),
            Self::Quality => "jpeg quality".to_owned(),
            Self::Tables => "jpeg tables".to_owned(),
            Self::Sampling => "jpeg sampling".to_owned(),
            Self::Scans => "jpeg scans".to_owned(),
            Self::Density => "jpeg density".to_owned(),
            Self::Quantiser => "quantiser".to_owned(),
            Self::Palette => "palette".to_owned(),
            Self::Metadata(kind) => format!("metadata {}", kind.as_str()),
        }
    }
}

/// One round trip, compared.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What each parameter was expected to be, and what it is.
    pub values: BTreeMap<Parameter, (String, String)>,
    /// Width and height as uploaded, turned as the download is, and as downloaded, in pixels.
    pub sizes: ((u32, u32), (u32, u32)),
    /// PSNR in dB between prediction and download, where their dimensions agree; infinite where they are equal.
    pub psnr: Option<f64>,
}

/// What can be told from one file, by parameter.
fn observed(file: &ImageFile, size: (u32, u32)) -> BTreeMap<Parameter, String> {
    let mut seen = BTreeMap::new();
    seen.insert(Parameter::Format, file.format().to_string());
    seen.insert(Parameter::Dimensions, format!("{}x{}", size.0, size.1));
    if let Some(traits) = jpeg::traits(file.bytes()) {
        let quality = traits
            .quality
            .map_or("none".to_owned(), |quality| quality.to_string());
        let scans = if traits.progressive {
            "progressive"
        } else {
            "baseline"
        };
        let (across, down) = traits.luma_sampling;
        seen.insert(Parameter::Quality, quality);
        seen.insert(Parameter::Scans, scans.to_owned());
        seen.insert(Parameter::Sampling, format!("{across}x{down}"));
        seen.insert(Parameter::Tables, digest(&jpeg::tables(file.bytes())));
        let density = jpeg::density(file.bytes());
        seen.insert(
            Parameter::Density,
            density.unwrap_or_else(|| "none".to_owned()),
        );
    }
    if let Some(index) = quantisers::quantiser(file.format(), file.bytes()) {
        seen.insert(Parameter::Quantiser, index.to_string());
    }
    if file.format() == Format::Png {
        let size = quantisers::palette_size(file.bytes());
        let words = size.map_or("none".to_owned(), |size| size.to_string());
        seen.insert(Parameter::Palette, words);
    }
    let metadata = metadata::read(file.format(), file.bytes());
    for kind in Kind::ALL {
        let state = if metadata.has(*kind) { "there" } else { "gone" };
        seen.insert(Parameter::Metadata(*kind), state.to_owned());
    }
    seen
}

/// A short name for a set of tables: their first entries and a sum, enough to tell sets apart in a report.
fn digest(tables: &[(u8, Vec<u16>)]) -> String {
    let mut words = Vec::new();
    for (index, table) in tables {
        let start: Vec<String> = table.iter().take(4).map(u16::to_string).collect();
        let sum: u32 = table.iter().map(|entry| u32::from(*entry)).sum();
        words.push(format!("#{index} {}… sum {sum}", start.join(" ")));
    }
    words.join("; ")
}

/// Runs the recipe on the upload and compares the result with the download.
///
/// # Errors
/// When the recipe fails on the upload, or either file cannot be decoded.
pub fn compare(
    recipe: &Recipe,
    before: &Arc<ImageFile>,
    after: &ImageFile,
    surroundings: Surroundings<'_>,
) -> Result<Comparison, StepError> {
    let decode = |error| StepError {
        recipe: recipe.id.clone(),
        number: 0,
        step: "calibrate",
        kind: crate::error::StepErrorKind::Decode(error),
    };
    let predicted = recipe.apply_in(before, surroundings)?;
    let pixels = |file: &ImageFile| {
        let frame = surroundings.meter.frame(file).map_err(decode)?;
        Ok::<_, StepError>(Arc::clone(&frame.pixels))
    };
    let (expected, seen) = (pixels(&predicted)?, pixels(after)?);
    let size = |pixels: &image::DynamicImage| (pixels.width(), pixels.height());
    // A download may be turned against its upload's coded pixels; the way round that fits its shape better is compared.
    let (width, height) = size(&*pixels(before)?);
    let aspect = |(w, h): (u32, u32)| (f64::from(w) / f64::from(h)).ln();
    let off = |upload| (aspect(upload) - aspect(size(&seen))).abs();
    let upload = if off((width, height)) <= off((height, width)) {
        (width, height)
    } else {
        (height, width)
    };
    let (from, to) = (
        observed(&predicted, size(&expected)),
        observed(after, size(&seen)),
    );
    let mut values = BTreeMap::new();
    for parameter in from.keys().chain(to.keys()) {
        let word = |of: &BTreeMap<Parameter, String>| {
            of.get(parameter).cloned().unwrap_or_else(|| "-".to_owned())
        };
        values.insert(*parameter, (word(&from), word(&to)));
    }
    let psnr = (size(&expected) == size(&seen)).then(|| {
        let (a, b) = (expected.to_rgb8(), seen.to_rgb8());
        let square = |(x, y): (&u8, &u8)| (f64::from(*x) - f64::from(*y)).powi(2);
        let error: f64 = a.iter().zip(b.iter()).map(square).sum();
        10.0 * (255.0_f64.powi(2) * a.len() as f64 / error).log10()
    });
    Ok(Comparison {
        values,
        sizes: (upload, size(&seen)),
        psnr,
    })
}

impl Comparison {
    /// How many parameters the recipe explains, and how many there are; the size of the picture counts as one.
    #[must_use]
    pub fn explained(&self) -> (usize, usize) {
        let agreeing = self
            .values
            .values()
            .filter(|(expected, seen)| expected == seen);
        (agreeing.count(), self.values.len())
    }

    /// What is not explained: `parameter: expected > seen`.
    #[must_use]
    pub fn differences(&self) -> Vec<String> {
        let differing = self
            .values
            .iter()
            .filter(|(_, (expected, seen))| expected != seen);
        differing
            .map(|(parameter, (expected, seen))| {
                format!("{}: {expected} > {seen}", parameter.name())
            })
            .collect()
    }
}

/// The findings over all pairs as a report: how often each parameter is explained, what was expected and seen where it
/// is not, and which line of the recipe to change.
#[must_use]
pub fn report(recipe: &Recipe, comparisons: &[(String, Comparison)]) -> String {
    let mut text = format!(
        "{}: {} round trips\n\n{:<16} {:>9}  expected > seen, where they differ\n",
        recipe.id,
        comparisons.len(),
        "parameter",
        "explained"
    );
    let mut parameters: BTreeMap<Parameter, Vec<&(String, String)>> = BTreeMap::new();
    for (_, comparison) in comparisons {
        for (parameter, values) in &comparison.values {
            parameters.entry(*parameter).or_default().push(values);
        }
    }
    for (parameter, values) in &parameters {
        let agreeing = values
            .iter()
            .filter(|(expected, seen)| expected == seen)
            .count();
        let mut differing: BTreeMap<String, usize> = BTreeMap::new();
        for (expected, seen) in values.iter().filter(|(expected, seen)| expected != seen) {
            *differing.entry(format!("{expected} > {seen}")).or_default() += 1;
        }
        let mut most: Vec<(usize, String)> = differing
            .into_iter()
            .map(|(words, count)| (count, words))
            .collect();
        most.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let words: Vec<String> = most
            .iter()
            .take(3)
            .map(|(count, words)| format!("{words} ({count})"))
            .collect();
        let more = if most.len() > 3 { ", …" } else { "" };
        let share = format!("{agreeing}/{}", values.len());
        let _written = writeln!(
            text,
            "{:<16} {share:>9}  {}{more}",
            parameter.name(),
            words.join(", ")
        );
    }
    let psnr: Vec<f64> = comparisons.iter().filter_map(|(_, c)| c.psnr).collect();
    let lowest = psnr.iter().copied().fold(f64::INFINITY, f64::min);
    let _written = writeln!(
        text,
        "{:<16} {:>9}  {}",
        "pixels",
        format!("{}/{}", psnr.len(), comparisons.len()),
        match psnr.len() {
            0 => "dimensions never agree, so nothing can be compared".to_owned(),
            _ if lowest.is_infinite() => "identical where dimensions agree".to_owned(),
            _ => format!("lowest PSNR between prediction and download: {lowest:.1} dB"),
        }
    );
    let advice = advice(&parameters, comparisons);
    if advice.is_empty() {
        text.push_str("\nThe recipe explains every parameter.\n");
    } else {
        text.push_str("\nTo correct\n");
        for line in advice {
            let _written = writeln!(text, "  {line}");
        }
    }
    text
}

/// The one value that all downloads share, where the recipe expects another one at least once.
fn constant<'a>(values: &[&'a (String, String)]) -> Option<&'a str> {
    let (_, first) = values.first()?;
    let wrong = values.iter().any(|(expected, seen)| expected != seen);
    let same = values.iter().all(|(_, seen)| seen == first);
    (wrong && same).then_some(first)
}

/// The sampling that luma factors such as `2x2` mean, as recipes write it.
fn chroma(factors: &str) -> Option<&'static str> {
    let (across, down) = factors.split_once('x')?;
    let luma_sampling = (across.parse().ok()?, down.parse().ok()?);
    jpeg::chroma_of(luma_sampling).map(jpeg::Chroma::as_str)
}

fn advice(
    parameters: &BTreeMap<Parameter, Vec<&(String, String)>>,
    comparisons: &[(String, Comparison)],
) -> Vec<String> {
    let mut lines = Vec::new();
    for (parameter, values) in parameters {
        let wrong = values
            .iter()
            .filter(|(expected, seen)| expected != seen)
            .count();
        if wrong == 0 {
            continue;
        }
        let seen = constant(values);
        lines.push(match (parameter, seen) {
            (Parameter::Dimensions, _) => dimensions(comparisons),
            (Parameter::Format, Some(seen)) => format!("encode as {seen}"),
            (Parameter::Quality, Some(seen)) => format!("jpeg.quality = {seen}"),
            (Parameter::Quality, None) => {
                "jpeg.quality: it varies; try capped_at_source, like_source or until_bytes".to_owned()
            }
            (Parameter::Sampling, Some(seen)) if chroma(seen).is_some() => {
                format!("jpeg.chroma = {:?}", chroma(seen).unwrap_or_default())
            }
            (Parameter::Scans, Some(seen)) => {
                format!("jpeg.progressive = {}", seen == "progressive")
            }
            (Parameter::Tables, Some(_)) => {
                "the encoder's tables are not those of the recipe at this quality: another encoder, or jpeg.tables"
                    .to_owned()
            }
            (Parameter::Density, Some(seen)) => format!("jpeg.density = {seen:?}"),
            (Parameter::Quantiser, _) => {
                "the quality: the coded pictures were quantised by other steps".to_owned()
            }
            (Parameter::Palette, _) => {
                "png.colours or png.quality: the palettes have other sizes".to_owned()
            }
            (Parameter::Metadata(kind), Some("there")) => {
                format!("keep \"{}\"", kind.as_str())
            }
            (Parameter::Metadata(kind), Some(_)) => format!("do not keep \"{}\"", kind.as_str()),
            (parameter, _) => {
                format!("{}: {wrong} of {} differ, not always alike", parameter.name(), values.len())
            }
        });
    }
    lines
}

/// Which rule the downloads' sizes follow.
fn dimensions(comparisons: &[(String, Comparison)]) -> String {
    let sizes: Vec<_> = comparisons
        .iter()
        .map(|(_, comparison)| comparison.sizes)
        .collect();
    if sizes.iter().all(|(before, after)| before == after) {
        return "no resize: every download has the size of its upload".to_owned();
    }
    let scaled: Vec<_> = sizes
        .iter()
        .filter(|(before, after)| before != after)
        .collect();
    let constant = |measure: fn((u32, u32)) -> u32| {
        let first = measure(scaled.first()?.1);
        scaled
            .iter()
            .all(|(_, after)| measure(*after) == first)
            .then_some(first)
    };
    let shape_kept = scaled.iter().all(|((w, h), (nw, nh))| {
        let exact = f64::from(*w) * f64::from(*nh) / f64::from(*h);
        // Rounding moves each side by up to one pixel.
        (exact - f64::from(*nw)).abs() <= 1.0 + f64::from(*w) / f64::from(*h)
    });
    let cut = if shape_kept {
        ""
    } else {
        ", and a crop: the shape changes"
    };
    if let Some(long) = constant(|(w, h)| w.max(h)) {
        format!("resize = {{ fit = [{long}, {long}] }}{cut}")
    } else if let Some(width) = constant(|(w, _)| w) {
        format!("resize = {{ width = {width} }}{cut}")
    } else if let Some(short) = constant(|(w, h)| w.min(h)) {
        format!("the short side is always {short}: resize = {{ fill = … }}{cut}")
    } else {
        let areas = scaled
            .iter()
            .map(|(_, (w, h))| u64::from(*w) * u64::from(*h));
        let (low, high) = (areas.clone().min().unwrap_or(0), areas.max().unwrap_or(0));
        if low * 101 >= high * 100 {
            format!("resize = {{ max_pixels = {high} }}{cut}")
        } else {
            format!("sizes follow no single limit (areas {low} to {high} pixels){cut}")
        }
    }
}
