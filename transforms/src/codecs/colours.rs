//! Does a viewer show the decoded pixels in about their own colours?
//!
//! A colour profile is a program that viewers run on every pixel, and one may be made to show what hides in the lowest bits of
//! another picture. And a JPEG file may contradict itself about its colour space, so that decoders disagree.

use image::{DynamicImage, GenericImageView, Rgb, RgbImage};

use super::jpeg;
use crate::format::Format;
use crate::metadata;
use crate::steps::convert_to_srgb::converted;

/// Samples along a side of what is looked at.
const SIDE: u32 = 96;

/// Root mean square, grey levels, by which the luma that is shown may stray from a smooth curve over the luma that is
/// coded. Wide gamuts and other gammas bend it; another picture has a spread of fifty.
const STRAY: f64 = 12.0;

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
    let Some(icc) = metadata::read(format, bytes).icc else {
        return Colours::Kept;
    };
    // Inks were turned into colours by the decoder.
    if icc.get(16..20) == Some(b"CMYK") {
        return Colours::Kept;
    }
    let sample = sampled(pixels);
    match converted(&sample, &icc) {
        Ok(Some(shown)) if stray(&sample, &shown) > STRAY => match converted(pixels, &icc) {
            Ok(Some(shown)) => Colours::Other(shown),
            Ok(None) | Err(_) => Colours::Disputed,
        },
        // A profile that cannot be used is not used.
        Ok(_) | Err(_) => Colours::Kept,
    }
}

/// Pixels as they are, in steps over the picture: nothing is averaged, so that low bits stay.
fn sampled(pixels: &DynamicImage) -> DynamicImage {
    let (width, height) = pixels.dimensions();
    let at = |place: u32, side: u32, length: u32| {
        (u64::from(place) * u64::from(length) / u64::from(side.max(1))) as u32
    };
    let side = (SIDE.min(width), SIDE.min(height));
    let colour = |x: u32, y: u32| {
        let [red, green, blue, _] = pixels
            .get_pixel(at(x, side.0, width), at(y, side.1, height))
            .0;
        Rgb([red, green, blue])
    };
    let sample = DynamicImage::ImageRgb8(RgbImage::from_fn(side.0, side.1, colour));
    if pixels.color().has_color() {
        sample
    } else {
        DynamicImage::ImageLuma8(sample.to_luma8())
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
    use crate::metadata::{Metadata, written};
    use crate::steps::convert_to_srgb::tests::profile;

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
