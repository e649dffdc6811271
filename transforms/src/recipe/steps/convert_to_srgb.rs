//! Colour management: pixels to sRGB. The only file that names the colour engine.

use std::sync::Arc;

use credlink_image_files::metadata::fields::set_profile_time;
use image::{DynamicImage, GrayImage, RgbImage};
use moxcms::{ColorProfile, DataColorSpace, Layout, RenderingIntent, TransformOptions};
use serde::Deserialize;

use crate::error::StepErrorKind;
use crate::recipe::step::{Apply, Flow, Work};

/// `convert_to_srgb = {}`: with an embedded RGB or grey profile the pixels are converted to 8-bit sRGB by relative
/// colorimetric intent; the profile is dropped in every case. Pixels without a profile are taken as sRGB; a profile
/// that cannot be used (broken, or not for these pixels) is dropped without conversion, as libvips does.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConvertToSrgb {}

impl Apply for ConvertToSrgb {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
        if work.frame()?.metadata.icc.is_none() {
            return Ok(Flow::Continue);
        }
        let frame = work.frame_mut()?;
        let Some(icc) = frame.metadata.icc.take() else {
            return Ok(Flow::Continue);
        };
        if let Some(converted) = converted(&frame.pixels, &icc).map_err(StepErrorKind::Engine)? {
            frame.pixels = Arc::new(converted);
        }
        Ok(Flow::Continue)
    }
}

/// An sRGB profile that is the same on every day; `None` where the library cannot write one.
pub(crate) fn srgb_profile() -> Option<Vec<u8>> {
    let mut bytes = ColorProfile::new_srgb().encode().ok()?;
    // Another time than that of the profiles in our image set, so that a service's own profile is not taken for theirs.
    set_profile_time(&mut bytes, [2016, 1, 1, 0, 0, 0]);
    Some(bytes)
}

/// The pixels in sRGB; `None` where the profile cannot be used.
pub(crate) fn converted(pixels: &DynamicImage, icc: &[u8]) -> Result<Option<DynamicImage>, String> {
    let Ok(profile) = ColorProfile::new_from_slice(icc) else {
        return Ok(None);
    };
    let srgb = ColorProfile::new_srgb();
    let options = TransformOptions {
        rendering_intent: RenderingIntent::RelativeColorimetric,
        // Little CMS, which the programs link, goes by the curves of a profile and not by its `cicp` tag.
        allow_use_cicp_transfer: false,
        ..TransformOptions::default()
    };
    let (width, height) = (pixels.width(), pixels.height());
    let (colour, alpha) = (pixels.color().has_color(), pixels.color().has_alpha());
    let layout = if alpha { Layout::Rgba } else { Layout::Rgb };
    match (profile.color_space, colour) {
        (DataColorSpace::Rgb, true) => {
            let Ok(transform) = profile.create_transform_8bit(layout, &srgb, layout, options)
            else {
                return Ok(None);
            };
            let source = if alpha {
                pixels.to_rgba8().into_raw()
            } else {
                pixels.to_rgb8().into_raw()
            };
            let mut target = vec![0; source.len()];
            transform
                .transform(&source, &mut target)
                .map_err(|error| format!("colour conversion: {error}"))?;
            Ok(if alpha {
                image::RgbaImage::from_raw(width, height, target).map(DynamicImage::ImageRgba8)
            } else {
                RgbImage::from_raw(width, height, target).map(DynamicImage::ImageRgb8)
            })
        }
        (DataColorSpace::Gray, false) if !alpha => {
            let grey = ColorProfile::new_gray_with_gamma(2.2);
            let Ok(transform) =
                profile.create_transform_8bit(Layout::Gray, &grey, Layout::Gray, options)
            else {
                return Ok(None);
            };
            let source = pixels.to_luma8().into_raw();
            let mut target = vec![0; source.len()];
            transform
                .transform(&source, &mut target)
                .map_err(|error| format!("colour conversion: {error}"))?;
            Ok(GrayImage::from_raw(width, height, target).map(DynamicImage::ImageLuma8))
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use moxcms::ToneReprCurve;

    use super::*;

    /// A profile with the primaries of sRGB and this curve, from 0 to 1, in 256 entries.
    pub(crate) fn profile(curve: impl Fn(f32) -> f32) -> Vec<u8> {
        let entry = |k: u16| (65_535.0 * curve(f32::from(k) / 255.0)).round() as u16;
        let curve = Some(ToneReprCurve::Lut((0..256).map(entry).collect()));
        let mut profile = ColorProfile::new_srgb();
        (profile.red_trc, profile.green_trc, profile.blue_trc) =
            (curve.clone(), curve.clone(), curve);
        profile.cicp = None;
        profile.encode().unwrap()
    }

    #[test]
    fn a_profile_of_another_gamma_changes_the_pixels() {
        let picture = DynamicImage::from(RgbImage::from_pixel(4, 4, image::Rgb([100; 3])));
        let shown = converted(&picture, &profile(|value| value))
            .unwrap()
            .unwrap();
        assert!(shown.to_rgb8().get_pixel(0, 0)[0] > 150);
    }
}
