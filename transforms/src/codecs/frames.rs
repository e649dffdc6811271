//! Does a viewer show the picture that decoding gives, or an animation of something else?
//!
//! What is decoded of an animation is one picture: the default image of a PNG, which viewers never show, or a first frame
//! that may stand for a hundredth of a second. Whoever judges a file by that picture has to know.

use std::io::Cursor;

use image::codecs::{gif::GifDecoder, png::PngDecoder, webp::WebPDecoder};
use image::{AnimationDecoder, DynamicImage, Frames, ImageResult};

use credlink_image_files::Format;
use credlink_image_files::containers::is_animation;
use credlink_image_files::limits::MAX_PIXELS;

/// Frames that are looked at, and pixels of all of them together; an animation of more is taken to show other pictures.
const MOST_FRAMES: usize = 64;
const MOST_PIXELS: u64 = MAX_PIXELS / 2;

/// Side of the thumbnails that are compared, and the largest difference of a sample, grey levels, that coding leaves.
const SIDE: u32 = 24;
const ALIKE: u8 = 8;

/// Whether a viewer of this file shows `decoded` and nothing else. Files without animation do; of an animation every frame
/// must look like it. What cannot be read to its end is not known to.
#[must_use]
pub fn shows_one_picture(bytes: &[u8], decoded: &DynamicImage) -> bool {
    let cursor = || Cursor::new(bytes);
    match Format::sniff(bytes) {
        Some(Format::Png) if is_animation(Format::Png, bytes) => {
            let frames =
                PngDecoder::new(cursor()).and_then(|decoder| Ok(decoder.apng()?.into_frames()));
            are_alike(frames, decoded)
        }
        Some(Format::Gif) if is_animation(Format::Gif, bytes) => are_alike(
            GifDecoder::new(cursor()).map(AnimationDecoder::into_frames),
            decoded,
        ),
        Some(Format::WebP) => match WebPDecoder::new(cursor()) {
            Ok(decoder) if decoder.has_animation() => are_alike(Ok(decoder.into_frames()), decoded),
            _ => true,
        },
        // A sequence of AV1 pictures beside the still one lies under `moov` (ISO/IEC 14496-12). It is not decoded.
        Some(Format::Avif) => !is_animation(Format::Avif, bytes),
        _ => true,
    }
}

fn are_alike(frames: ImageResult<Frames<'_>>, decoded: &DynamicImage) -> bool {
    let Ok(frames) = frames else { return false };
    let own = thumbnail(decoded);
    let size = u64::from(decoded.width()) * u64::from(decoded.height());
    let most = MOST_FRAMES.min(usize::try_from(MOST_PIXELS / size.max(1)).unwrap_or(0));
    for (number, frame) in frames.enumerate() {
        let Ok(frame) = frame else { return false };
        if number >= most {
            return false;
        }
        let other = thumbnail(&DynamicImage::ImageRgba8(frame.into_buffer()));
        if own.iter().zip(&other).any(|(a, b)| a.abs_diff(*b) > ALIKE) {
            return false;
        }
    }
    true
}

/// A small square of the colours over white.
fn thumbnail(image: &DynamicImage) -> Vec<u8> {
    let small = image.thumbnail_exact(SIDE, SIDE).to_rgba8();
    let over_white = |pixel: &image::Rgba<u8>| {
        let [red, green, blue, alpha] = pixel.0.map(u32::from);
        [red, green, blue].map(|value| ((value * alpha + 255 * (255 - alpha)) / 255) as u8)
    };
    small.pixels().flat_map(over_white).collect()
}

#[cfg(test)]
mod tests {
    use image::codecs::gif::GifEncoder;
    use image::{Delay, Frame, Rgba, RgbaImage};

    use super::*;
    use credlink_image_files::decode::decode;

    fn picture(red: u8) -> RgbaImage {
        RgbaImage::from_fn(40, 30, |x, y| {
            Rgba([red, (6 * x) as u8, (8 * y) as u8, 255])
        })
    }

    fn gif(frames: &[RgbaImage]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = GifEncoder::new(&mut out);
        for frame in frames {
            let frame = Frame::from_parts(frame.clone(), 0, 0, Delay::from_numer_denom_ms(10, 1));
            encoder.encode_frame(frame).unwrap();
        }
        drop(encoder);
        out
    }

    /// An animated PNG whose default image is no frame of it, as the `png` crate writes one.
    fn apng(default: &RgbaImage, frames: &[RgbaImage]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, 40, 30);
        encoder.set_color(png::ColorType::Rgba);
        encoder.set_animated(frames.len() as u32, 0).unwrap();
        encoder.set_sep_def_img(true).unwrap();
        let mut writer = encoder.write_header().unwrap();
        for image in [default].into_iter().chain(frames) {
            writer.write_image_data(image.as_raw()).unwrap();
        }
        writer.finish().unwrap();
        out
    }

    fn shows(bytes: &[u8]) -> bool {
        shows_one_picture(bytes, &decode(bytes).unwrap().pixels)
    }

    #[test]
    fn a_hidden_default_image_and_a_first_frame_of_a_moment_are_not_what_is_shown() {
        let (one, other) = (picture(10), picture(240));
        assert!(shows(&gif(std::slice::from_ref(&one))));
        assert!(shows(&gif(&[one.clone(), one.clone()])));
        assert!(!shows(&gif(&[one.clone(), other.clone()])));
        assert!(shows(&apng(&one, std::slice::from_ref(&one))));
        assert!(!shows(&apng(&one, std::slice::from_ref(&other))));
        assert!(!shows(&apng(&one, &[one.clone(), other])));
        let many = vec![one.clone(); MOST_FRAMES + 1];
        assert!(!shows(&gif(&many)));
        let mut cut = gif(&[one.clone(), one]);
        cut.truncate(cut.len() - 40);
        assert!(!shows(&cut));
    }
}
