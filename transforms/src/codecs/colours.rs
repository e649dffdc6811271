//! Does a viewer show the decoded pixels in about their own colours?
//!
//! A colour profile is a program that viewers run on every pixel, and one may be made to show what hides in the lowest bits of
//! another picture. And a JPEG file may contradict itself about its colour space, so that decoders disagree.

use image::{DynamicImage, GenericImageView, Rgb, RgbImage};
use sha2::{Digest, Sha256};

use super::jpeg;
use crate::recipe::steps::convert_to_srgb::converted;
use credlink_image_files::Format;
use credlink_image_files::containers::png::chunks;
use credlink_image_files::metadata;

/// Samples along a side of what is looked at.
const SIDE: u32 = 96;

/// Root mean square, grey levels, by which the luma that is shown may stray from a smooth curve over the luma that is
/// coded. Wide gamuts and other gammas bend it; another picture has a spread of fifty.
const STRAY: f64 = 12.0;

/// Mean change of luma, grey levels, that profiles of devices stay below: a gamma of 1.8 makes 13, of 2.6 makes 12.
const MOVED: f64 = 28.0;

/// What a viewer that obeys the file makes of decoded pixels.
#[derive(Clone, Debug, PartialEq)]
pub enum Colours {
    /// About the same, as under every profile of a device.
    Kept,
    /// These pixels, which are not what is coded: channels exchanged, or something worse.
    Other(DynamicImage),
    /// One thing or the other: viewers do not agree.
    Disputed,
}

/// What viewers show of the pixels that were decoded from a file.
#[must_use]
pub fn shown(bytes: &[u8], pixels: &DynamicImage) -> Colours {
    let Some(format) = Format::sniff(bytes) else {
        return Colours::Kept;
    };
    if format == Format::Jpeg && jpeg::is_of_two_colour_spaces(bytes) {
        return Colours::Disputed;
    }
    if is_hard_to_tell(format, bytes) {
        return Colours::Disputed;
    }
    let Some(icc) = metadata::read(format, bytes).icc else {
        return Colours::Kept;
    };
    // Inks were turned into colours by the decoder.
    if icc.get(16..20) == Some(b"CMYK") {
        return Colours::Kept;
    }
    // No engine uses what does not say that it is a profile (ICC.1, 7.2.11).
    if icc.get(36..40) != Some(b"acsp") {
        return Colours::Kept;
    }
    if has_two_ways(&icc) {
        return Colours::Disputed;
    }
    let coloured;
    let pixels = match icc.get(16..20) == Some(b"RGB ") && !pixels.color().has_color() {
        // Viewers show a grey picture through such a profile as three equal channels.
        true => {
            coloured = DynamicImage::ImageRgb8(pixels.to_rgb8());
            &coloured
        }
        false => pixels,
    };
    let sample = sampled(pixels, bytes);
    match converted(&sample, &icc) {
        Ok(Some(shown)) if is_strange(&sample, &shown) => match converted(pixels, &icc) {
            Ok(Some(shown)) => Colours::Other(shown),
            Ok(None) | Err(_) => Colours::Disputed,
        },
        Ok(Some(_)) => Colours::Kept,
        // A grey profile says nothing of a picture in colours; any other that we cannot use, a viewer may.
        Ok(None) if icc.get(16..20) == Some(b"GRAY") => Colours::Kept,
        Ok(None) | Err(_) => Colours::Disputed,
    }
}

/// Whether the file holds colour descriptions that readers disagree about: two profiles in a PNG file, or one in a bitmap,
/// which we do not read.
fn is_hard_to_tell(format: Format, bytes: &[u8]) -> bool {
    match format {
        Format::Png => {
            let profiles = chunks(bytes).filter(|chunk| &chunk.kind == b"iCCP");
            profiles.count() > 1
        }
        // The colour space of a V5 header: "MBED" or "LINK", as a little-endian number.
        Format::Bmp => matches!(bytes.get(70..74), Some(b"DEBM" | b"KNIL")),
        _ => false,
    }
}

/// Whether a profile describes colours by curves and by tables: engines differ in which they take (ICC.1, 8.10).
fn has_two_ways(icc: &[u8]) -> bool {
    let number = |at: usize| {
        let bytes = icc.get(at..at + 4)?;
        Some(u32::from_be_bytes(<[u8; 4]>::try_from(bytes).ok()?) as usize)
    };
    let tags = number(128).unwrap_or_default().min(1_000);
    let names = (0..tags).filter_map(|tag| icc.get(132 + 12 * tag..136 + 12 * tag));
    let (mut curves, mut tables) = (false, false);
    for name in names {
        curves |= matches!(name, b"rTRC" | b"gTRC" | b"bTRC");
        tables |= matches!(
            name,
            b"A2B0" | b"A2B1" | b"A2B2" | b"D2B0" | b"D2B1" | b"D2B2" | b"D2B3"
        );
    }
    curves && tables
}

/// Whether what is shown is another picture than what is coded, or so much darker or brighter that another may appear.
fn is_strange(coded: &DynamicImage, shown: &DynamicImage) -> bool {
    let (a, b) = (coded.to_luma8(), shown.to_luma8());
    let moved: u64 = a
        .iter()
        .zip(b.iter())
        .map(|(a, b)| u64::from(a.abs_diff(*b)))
        .sum();
    moved as f64 > MOVED * a.len() as f64 || stray(coded, shown) > STRAY
}

/// Pixels as they are, one of each field of a grid: nothing is averaged, so that low bits stay. Where in its field each lies
/// follows from the file's digest, so that nobody can leave the ones that are looked at clean.
fn sampled(pixels: &DynamicImage, bytes: &[u8]) -> DynamicImage {
    let (width, height) = pixels.dimensions();
    let side = (SIDE.min(width), SIDE.min(height));
    let digest: [u8; 32] = Sha256::digest(bytes).into();
    let mut draws = Draws::new(digest);
    let mut at = |place: u32, side: u32, length: u32| {
        let start =
            |place: u32| (u64::from(place) * u64::from(length) / u64::from(side.max(1))) as u32;
        let (from, to) = (start(place), start(place + 1).max(start(place) + 1));
        (from + draws.next() % (to - from)).min(length.saturating_sub(1))
    };
    let sample = DynamicImage::ImageRgb8(RgbImage::from_fn(side.0, side.1, |x, y| {
        let (x, y) = (at(x, side.0, width), at(y, side.1, height));
        let [red, green, blue, _] = pixels.get_pixel(x, y).0;
        Rgb([red, green, blue])
    }));
    if pixels.color().has_color() {
        sample
    } else {
        DynamicImage::ImageLuma8(sample.to_luma8())
    }
}

/// Numbers that follow from a digest.
struct Draws {
    state: [u8; 32],
    used: usize,
}

impl Draws {
    fn new(state: [u8; 32]) -> Self {
        Self { state, used: 0 }
    }

    fn next(&mut self) -> u32 {
        if self.used == 8 {
            self.state = Sha256::digest(self.state).into();
            self.used = 0;
        }
        let word: [u8; 4] = std::array::from_fn(|byte| self.state[4 * self.used + byte]);
        self.used += 1;
        u32::from_le_bytes(word)
    }
}

/// How far `b` strays from its least-squares parabola over `a`, root mean square of luma.
fn stray(a: &DynamicImage, b: &DynamicImage) -> f64 {
    let (a, b) = (a.to_luma8(), b.to_luma8());
    let pairs = || {
        let pairs = a.iter().zip(b.iter());
        pairs.map(|(a, b)| (f64::from(*a) / 255.0, f64::from(*b)))
    };
    // Normal equations for 1, x, x².
    let mut m = [[0.0_f64; 4]; 3];
    for (x, y) in pairs() {
        let powers = [1.0, x, x * x];
        for (row, p) in m.iter_mut().zip(powers) {
            for (cell, q) in row.iter_mut().zip(powers) {
                *cell += p * q;
            }
            row[3] += p * y;
        }
    }
    let count = pairs().count().max(1) as f64;
    for (k, row) in m.iter_mut().enumerate() {
        // A trace of resistance, for pictures of one or two colours.
        row[k] += 1e-6 * count;
    }
    for k in 0..3 {
        let pivot = m[k];
        for (i, row) in m.iter_mut().enumerate() {
            if i != k {
                let factor = row[k] / pivot[k];
                for (cell, value) in row.iter_mut().zip(pivot) {
                    *cell -= factor * value;
                }
            }
        }
    }
    let c = [0, 1, 2].map(|k| m[k][3] / m[k][k]);
    let error: f64 = pairs()
        .map(|(x, y)| (y - c[0] - c[1] * x - c[2] * x * x).powi(2))
        .sum();
    (error / count).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::steps::convert_to_srgb::tests::profile;
    use credlink_image_files::metadata::{Metadata, written};

    /// A picture of the one, with the three highest bits of another in its lowest.
    fn hiding() -> DynamicImage {
        DynamicImage::from(RgbImage::from_fn(200, 150, |x, y| {
            let shown = 60 + (x / 2 + y / 3) as u8;
            let hidden = if (x / 40 + y / 40).is_multiple_of(2) {
                7
            } else {
                0
            };
            Rgb([shown & !7 | hidden; 3])
        }))
    }

    fn png(picture: &DynamicImage, icc: Option<Vec<u8>>) -> Vec<u8> {
        let mut file = std::io::Cursor::new(Vec::new());
        picture
            .write_to(&mut file, image::ImageFormat::Png)
            .unwrap();
        let metadata = Metadata {
            icc: icc.map(Into::into),
            ..Metadata::default()
        };
        written(Format::Png, file.into_inner(), &metadata).unwrap()
    }

    #[test]
    fn a_profile_that_unfolds_the_lowest_bits_is_told_from_those_of_devices() {
        let picture = hiding();
        assert_eq!(shown(&png(&picture, None), &picture), Colours::Kept);
        for gamma in [1.8, 2.2, 2.6] {
            let of_device = profile(|value| value.powf(gamma));
            let shown = shown(&png(&picture, Some(of_device)), &picture);
            assert_eq!(shown, Colours::Kept, "{gamma}");
        }
        let sawtooth = profile(|value| ((255.0 * value).round() as u32 & 7) as f32 / 7.0);
        let Colours::Other(unfolded) = shown(&png(&picture, Some(sawtooth)), &picture) else {
            panic!("taken for the profile of a device");
        };
        // What hides is there: black and white fields.
        let (dark, bright) = (unfolded.get_pixel(60, 20), unfolded.get_pixel(20, 20));
        assert!(dark[0] < 10 && bright[0] > 245, "{dark:?} {bright:?}");
        let unusable = png(&picture, Some(b"no profile".to_vec()));
        assert_eq!(shown(&unusable, &picture), Colours::Kept);
    }

    #[test]
    fn a_picture_whose_grid_is_clean_and_one_behind_a_steep_gamma_are_looked_through() {
        // Every pixel that a fixed grid of samples meets has no low bits.
        let (hidden, side) = (hiding(), 96);
        let clean = RgbImage::from_fn(hidden.width(), hidden.height(), |x, y| {
            let met = |at: u32, length: u32| (0..side).any(|k| k * length / side == at);
            let Rgb([value, ..]) = hidden.to_rgb8()[(x, y)];
            let is_met = met(x, hidden.width()) && met(y, hidden.height());
            Rgb([if is_met { value & !7 | 3 } else { value }; 3])
        });
        let clean = DynamicImage::from(clean);
        let sawtooth = profile(|value| ((255.0 * value).round() as u32 & 7) as f32 / 7.0);
        let found = shown(&png(&clean, Some(sawtooth)), &clean);
        assert!(matches!(found, Colours::Other(_)));
        let steep = profile(|value| value.powf(8.0));
        let found = shown(&png(&hidden, Some(steep)), &hidden);
        assert!(matches!(found, Colours::Other(_)));
    }

    #[test]
    fn what_viewers_disagree_about_is_disputed() {
        let picture = hiding();
        let honest = profile(|value| value.powf(2.2));
        // Of a version that our engine does not know.
        let mut newer = honest.clone();
        newer[8] = 9;
        assert_eq!(
            shown(&png(&picture, Some(newer)), &picture),
            Colours::Disputed
        );
        // With tables beside its curves: the name of a tag that nothing here reads.
        let mut tables = honest.clone();
        let tags = u32::from_be_bytes(tables[128..132].try_into().unwrap()) as usize;
        let names: Vec<&[u8]> = (0..tags)
            .map(|tag| &honest[132 + 12 * tag..136 + 12 * tag])
            .collect();
        let spare = names
            .iter()
            .position(|name| *name == b"desc" || *name == b"cprt" || *name == b"wtpt");
        let spare = spare.unwrap();
        tables[132 + 12 * spare..136 + 12 * spare].copy_from_slice(b"A2B0");
        assert!(has_two_ways(&tables) && !has_two_ways(&honest));
        // Two profiles.
        let file = png(&picture, Some(honest));
        let at = file.windows(4).position(|name| name == b"iCCP").unwrap() - 4;
        let length = u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize + 12;
        let mut twice = file.clone();
        twice.splice(at..at, file[at..at + length].iter().copied());
        assert_eq!(shown(&twice, &picture), Colours::Disputed);
    }

    #[test]
    fn a_jpeg_file_that_contradicts_itself_about_its_colours_is_known() {
        let frame = |ids: [u8; 3]| {
            let [a, b, c] = ids;
            [
                &[0xff, 0xc0, 0, 17, 8, 0, 8, 0, 8, 3][..],
                &[a, 0x11, 0, b, 0x11, 0, c, 0x11, 0],
            ]
            .concat()
        };
        let jfif = b"\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0".to_vec();
        let adobe =
            |transform: u8| [&b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0"[..], &[transform]].concat();
        let file =
            |parts: &[Vec<u8>]| [&[0xff, 0xd8][..], &parts.concat(), &[0xff, 0xda, 0, 2]].concat();
        let (numbers, letters) = (frame([1, 2, 3]), frame(*b"RGB"));
        for honest in [
            vec![jfif.clone(), numbers.clone()],
            vec![adobe(0), letters.clone()],
            vec![adobe(1), numbers.clone()],
            vec![jfif.clone(), adobe(1), numbers.clone()],
            vec![letters.clone()],
        ] {
            assert!(!jpeg::is_of_two_colour_spaces(&file(&honest)));
        }
        for torn in [
            vec![jfif.clone(), adobe(0), numbers],
            vec![jfif, letters.clone()],
            vec![adobe(1), letters],
        ] {
            assert!(jpeg::is_of_two_colour_spaces(&file(&torn)));
        }
    }
}
