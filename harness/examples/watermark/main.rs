//! Measures the watermark alone: embeds an id in each image of a set, attacks the result, and counts exact ids.
//!
//! ```text
//! cargo run -p credlink-harness --example watermark -- --photos DIR [--only crop] [--set-aside]
//! cargo run -p credlink-harness --example watermark -- --synthetic 40
//! cargo run -p credlink-harness --example watermark -- --photos DIR --as-files          signed, in their own formats
//! cargo run -p credlink-harness --example watermark -- --photos DIR --false-accepts 1000000 --searches 2000
//! ```
//!
//! A third of the photographs, by the hash of the file name, is set aside: nothing may be tuned on it.

mod attack;
mod false_accept;
mod source;
mod trial;

#[path = "../common/photographs.rs"]
mod photographs;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;
use credlink_image_files::Format;
use credlink_sign_core::watermark::{EmbedSettings, Marking, WatermarkKey};
use rayon::prelude::*;

use crate::attack::{ATTACKS, Attack};
use crate::trial::{Trial, tried};

#[derive(Parser)]
struct Arguments {
    /// A folder of images.
    #[arg(long)]
    photos: Option<PathBuf>,
    /// Images of the synthetic set.
    #[arg(long, default_value_t = 0)]
    synthetic: usize,
    /// Look at the third that is set aside instead of the rest.
    #[arg(long)]
    set_aside: bool,
    /// Only attacks whose name contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Leave out attacks whose name contains this.
    #[arg(long)]
    without: Option<String>,
    /// Sign the files as they are, instead of marking pixels: with what coding in their own format does, and how they grow.
    #[arg(long, conflicts_with = "false_accepts")]
    as_files: bool,
    /// Long sides above are reduced to it first, pixels; not those of files.
    #[arg(long, default_value_t = 1536)]
    cap: u32,
    /// Lowest PSNR aimed at, dB.
    #[arg(long)]
    psnr: Option<f64>,
    /// Instead, try at least this many pairs of image and foreign key in stage 0, and print what was accepted.
    #[arg(long)]
    false_accepts: Option<u32>,
    /// With `--false-accepts`: full searches without rotation, as well.
    #[arg(long, default_value_t = 0)]
    searches: u32,
    /// With `--false-accepts`: full searches with rotation, as well.
    #[arg(long, default_value_t = 0)]
    rotated_searches: u32,
    /// List each image and each loss.
    #[arg(long)]
    list: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let sources = source::sources(&arguments)?;
    let attacks: Vec<&Attack> = ATTACKS
        .iter()
        .filter(|(name, ..)| name.contains(&arguments.only))
        .filter(|(name, ..)| {
            !arguments
                .without
                .as_ref()
                .is_some_and(|without| name.contains(without))
        })
        .collect();
    let key = WatermarkKey::derive(b"watermark measurement key")?;
    let mut settings = EmbedSettings::default();
    settings.psnr_floor = arguments.psnr.unwrap_or(settings.psnr_floor);
    if let Some(least) = arguments.false_accepts {
        return false_accept::false_accepts(&sources, &key, &settings, least, &arguments);
    }
    let trials: Vec<Trial> = sources
        .par_iter()
        .map(|source| tried(source, &key, &settings, &attacks))
        .collect::<Result<_>>()?;

    if arguments.list {
        list(&trials, &attacks);
    }
    tell(&trials, &attacks);
    Ok(())
}

/// Every image, and the attacks that it lost its mark to.
#[expect(clippy::print_stdout, reason = "an example reports to people")]
fn list(trials: &[Trial], attacks: &[&Attack]) {
    for t in trials {
        let lost = t
            .attacks
            .iter()
            .zip(attacks)
            .filter(|((_, right, _), _)| !right);
        let lost: Vec<String> = lost
            .map(|((d, ..), (name, ..))| {
                let wrong = if d.id.is_some() { " WRONG ID" } else { "" };
                format!("{name}({:.0}{wrong})", d.exponent)
            })
            .collect();
        println!(
            "{:36} {:>4}x{:<4} {:?} psnr {:.2} ssim {:.4} z_q {:.1} growth {:.2} {:.0} ms{}; lost: {}",
            t.name,
            t.size.0,
            t.size.1,
            t.marked.verdict,
            t.marked.psnr,
            t.marked.ssim,
            t.marked.z_q,
            t.marked.file.map_or(f64::NAN, |(_, growth)| growth),
            t.marked.ms,
            t.marked
                .why
                .as_ref()
                .map_or_else(String::new, |why| format!("; unmarked because {why}")),
            lost.join(" ")
        );
    }
}

/// Quality by class, then what each attack left.
#[expect(clippy::print_stdout, reason = "an example reports to people")]
fn tell(trials: &[Trial], attacks: &[&Attack]) {
    let class = |verdict: Marking| trials.iter().filter(move |t| t.marked.verdict == verdict);
    for verdict in [Marking::Carried, Marking::Fragile] {
        let sorted = |value: fn(&Trial) -> f64| {
            let mut values: Vec<f64> = class(verdict).map(value).collect();
            values.sort_by(f64::total_cmp);
            let at = |k: usize| values.get(k).copied().unwrap_or(f64::NAN);
            (at(0), at(values.len() / 2))
        };
        let ((psnr, psnr_median), (ssim, ssim_median)) =
            (sorted(|t| t.marked.psnr), sorted(|t| t.marked.ssim));
        println!(
            "{verdict:?}: {} of {}; PSNR min {psnr:.2} median {psnr_median:.2}; SSIM min {ssim:.4} median {ssim_median:.4}",
            class(verdict).count(),
            trials.len()
        );
    }
    if trials.iter().any(|t| t.marked.file.is_some()) {
        tell_growth(trials);
    }
    println!("| attack | carried | fragile | median detect, CPU ms |\n|---|---|---|---|");
    let mut wrong = 0;
    for (k, (name, ..)) in attacks.iter().enumerate() {
        let count = |verdict| {
            let right = class(verdict).filter(|t| t.attacks[k].1).count();
            format!("{right}/{}", class(verdict).count())
        };
        let marked = trials.iter().filter(|t| !t.attacks.is_empty());
        wrong += marked
            .clone()
            .filter(|t| t.attacks[k].0.id.is_some() && !t.attacks[k].1)
            .count();
        let mut times: Vec<f64> = marked.map(|t| t.attacks[k].2).collect();
        times.sort_by(f64::total_cmp);
        let median = times.get(times.len() / 2).copied().unwrap_or(f64::NAN);
        println!(
            "| {name} | {} | {} | {median:.1} |",
            count(Marking::Carried),
            count(Marking::Fragile)
        );
    }
    println!("wrong ids: {wrong}");
}

/// How files grew that were marked, by format.
#[expect(clippy::print_stdout, reason = "an example reports to people")]
fn tell_growth(trials: &[Trial]) {
    println!(
        "| marked files | number | size by the source's: median | 90 % | most | median signing, CPU ms |"
    );
    println!("|---|---|---|---|---|---|");
    for kind in [
        None,
        Some(Format::Jpeg),
        Some(Format::Png),
        Some(Format::WebP),
    ] {
        let marked = trials.iter().filter(|t| {
            let is_marked = !matches!(t.marked.verdict, Marking::Refused(_));
            let format = t.marked.file.map(|(format, _)| format);
            is_marked && (kind.is_none() || kind == format)
        });
        let (mut sizes, mut times): (Vec<f64>, Vec<f64>) = marked
            .filter_map(|t| Some((t.marked.file?.1, t.marked.ms)))
            .unzip();
        sizes.sort_by(f64::total_cmp);
        times.sort_by(f64::total_cmp);
        let n = sizes.len();
        let of = |values: &[f64], at: usize| values.get(at).copied().unwrap_or(f64::NAN);
        println!(
            "| {} | {n} | {:.2} | {:.2} | {:.2} | {:.0} |",
            kind.map_or("all", Format::as_str),
            of(&sizes, n / 2),
            of(&sizes, n * 9 / 10),
            of(&sizes, n.saturating_sub(1)),
            of(&times, n / 2),
        );
    }
}
