//! From light to 8-bit pixels, as a camera does it: exposure, lens, noise, tone.

use image::RgbImage;

use super::canvas::Canvas;
use super::exact::lerp;
use crate::draws::Draws;

/// How a picture is taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exposure {
    /// Mean light that the picture is brought to; 0.2 is a usual daylight picture.
    pub(crate) mean: f32,
    /// Variance of noise per unit of light (photon noise).
    pub(crate) shot: f32,
    /// Variance of noise in the dark (read noise).
    pub(crate) read: f32,
    /// Weight of each neighbour in a 3-tap filter both ways: positive blurs as a lens and demosaicing do,
    /// negative sharpens as cameras do. Keep within -0.12 to 0.25.
    pub(crate) soften: f32,
    /// Light lost at the corners, 0 to 1.
    pub(crate) vignette: f32,
    /// Strength of the S-shaped tone curve, 0 to 0.8.
    pub(crate) contrast: f32,
    /// 1 keeps colours, 0 is grey.
    pub(crate) saturation: f32,
    /// Gains of red and blue against green: the light's colour that white balance left.
    pub(crate) cast: (f32, f32),
}

impl Exposure {
    /// A daylight exposure with the usual spread of noise, sharpness and taste.
    pub(crate) fn drawn(draws: &mut Draws) -> Exposure {
        // Noise differs by orders of magnitude between pictures; the square of a draw favours clean ones.
        let noise = draws.unit() * draws.unit();
        Exposure {
            mean: draws.between(0.13, 0.30),
            shot: 0.00004 + 0.0012 * noise,
            read: 0.000_001 + 0.000_06 * noise * noise,
            soften: draws.between(-0.04, 0.18),
            vignette: 0.45 * draws.unit() * draws.unit(),
            contrast: draws.between(0.1, 0.75),
            saturation: draws.between(0.75, 1.2),
            cast: (1.0 + 0.08 * draws.signed(), 1.0 + 0.1 * draws.signed()),
        }
    }
}

/// Samples of unit-variance noise, more than any row has pixels; each row starts somewhere else in it.
const NOISE: usize = 1 << 14;

/// Takes the picture. The result has the canvas's size.
pub(crate) fn develop(mut canvas: Canvas, draws: &mut Draws, exposure: &Exposure) -> RgbImage {
    let (width, height) = (canvas.width, canvas.height);
    let gain = exposure.mean / canvas.mean_light().max(1e-4);
    let gains = [gain * exposure.cast.0, gain, gain * exposure.cast.1];
    for plane in &mut canvas.planes {
        filter(plane, width, exposure.soften);
    }
    let fine = noise(draws, 0.25);
    // Demosaicing spreads red and blue, which have half the samples of green, over their neighbours.
    let coarse = noise(draws, 0.5);
    let mut pixels = vec![0u8; width * height * 3];
    let mut rows = [
        vec![0.0f32; width],
        vec![0.0f32; width],
        vec![0.0f32; width],
    ];
    let mut before = [0usize; 3];
    let (mid_x, mid_y) = (0.5 * width as f32, 0.5 * height as f32);
    let fall = exposure.vignette / (mid_x * mid_x + mid_y * mid_y);
    let sides: Vec<f32> = (0..width)
        .map(|x| 1.0 - fall * (x as f32 - mid_x) * (x as f32 - mid_x))
        .collect();
    for y in 0..height {
        let dy = y as f32 - mid_y;
        let dimmed = fall * dy * dy;
        let source = y * width..(y + 1) * width;
        for channel in 0..3 {
            let store = if channel == 1 { &fine } else { &coarse };
            let at = draws.below(NOISE);
            // Part of the row above's noise comes again: the vertical half of the same correlation.
            let (now, above) = (
                &store[at..at + width],
                &store[before[channel]..before[channel] + width],
            );
            before[channel] = at;
            let (a, b) = if channel == 1 {
                (0.95, 0.31)
            } else {
                (0.86, 0.51)
            };
            let gain = gains[channel];
            let light = &canvas.planes[channel][source.clone()];
            let samples = rows[channel]
                .iter_mut()
                .zip(light)
                .zip(now)
                .zip(above)
                .zip(&sides);
            for ((((o, &x), &n), &m), &side) in samples {
                let x = x * gain;
                let sigma = (exposure.shot * x + exposure.read).max(0.0).sqrt();
                *o = tone(
                    (x + sigma * (a * n + b * m)) * (side - dimmed),
                    exposure.contrast,
                );
            }
        }
        let out = &mut pixels[y * width * 3..(y + 1) * width * 3];
        let [red, green, blue] = &rows;
        for (((pixel, &r), &g), &b) in out.chunks_exact_mut(3).zip(red).zip(green).zip(blue) {
            let grey = 0.3 * r + 0.6 * g + 0.1 * b;
            let byte =
                |v: f32| (lerp(grey, v, exposure.saturation) * 255.0 + 0.5).clamp(0.0, 255.0) as u8;
            (pixel[0], pixel[1], pixel[2]) = (byte(r), byte(g), byte(b));
        }
    }
    RgbImage::from_raw(width as u32, height as u32, pixels).unwrap_or_default()
}

/// Linear light to display value: a shoulder that keeps highlights, a square root (close to the sRGB curve
/// and exact on every machine), and an S-curve about the middle.
fn tone(x: f32, contrast: f32) -> f32 {
    let x = x.max(0.0);
    let v = (1.3 * x / (1.0 + 0.3 * x)).sqrt().min(1.0);
    v + contrast * v * (1.0 - v) * (2.0 * v - 1.0)
}

/// Noise of variance 1 whose neighbours share `k` of each other.
fn noise(draws: &mut Draws, k: f32) -> Vec<f32> {
    let n = NOISE + 4096;
    let mut bytes = vec![0u8; 4 * (n + 2)];
    draws.bytes(&mut bytes);
    // The sum of four uniform bytes is close to a Gaussian; its variance is 4 · (256² - 1) / 12.
    let white: Vec<f32> = bytes
        .chunks_exact(4)
        .map(|b| (b.iter().map(|&v| f32::from(v)).sum::<f32>() - 510.0) * (1.0 / 147.8))
        .collect();
    let norm = 1.0 / (1.0 + 2.0 * k * k).sqrt();
    white
        .windows(3)
        .map(|w| (w[1] + k * (w[0] + w[2])) * norm)
        .collect()
}

/// In place, `[k, 1-2k, k]` along rows and then columns; borders repeat.
fn filter(plane: &mut [f32], width: usize, k: f32) {
    if k.abs() < 0.005 || width < 2 {
        return;
    }
    let centre = 1.0 - 2.0 * k;
    let mut above = vec![0.0f32; width];
    let mut here = vec![0.0f32; width];
    let height = plane.len() / width;
    let horizontally = |row: &[f32], out: &mut [f32]| {
        for (o, w) in out[1..width - 1].iter_mut().zip(row.windows(3)) {
            *o = centre * w[1] + k * (w[0] + w[2]);
        }
        out[0] = (1.0 - k) * row[0] + k * row[1];
        out[width - 1] = (1.0 - k) * row[width - 1] + k * row[width - 2];
    };
    let mut below = vec![0.0f32; width];
    horizontally(&plane[..width], &mut here);
    above.copy_from_slice(&here);
    for y in 0..height {
        if y + 1 < height {
            horizontally(&plane[(y + 1) * width..(y + 2) * width], &mut below);
        } else {
            below.copy_from_slice(&here);
        }
        let out = &mut plane[y * width..(y + 1) * width];
        for (((o, a), h), b) in out.iter_mut().zip(&above).zip(&here).zip(&below) {
            *o = (centre * h + k * (a + b)).max(0.0);
        }
        core::mem::swap(&mut above, &mut here);
        core::mem::swap(&mut here, &mut below);
    }
}

/// The canvas as display values without a camera: what a program draws on a screen.
pub(crate) fn rendered(canvas: &Canvas) -> Vec<u8> {
    let [r, g, b] = &canvas.planes;
    let byte = |v: f32| (v * 255.0 + 0.5).clamp(0.0, 255.0) as u8;
    match &canvas.alpha {
        None => r
            .iter()
            .zip(g)
            .zip(b)
            .flat_map(|((&r, &g), &b)| [byte(r), byte(g), byte(b)])
            .collect(),
        Some(alpha) => r
            .iter()
            .zip(g)
            .zip(b)
            .zip(alpha)
            .flat_map(|(((&r, &g), &b), &a)| {
                // Files hold straight alpha; fully transparent pixels hold black.
                let k = if a > 0.002 { 1.0 / a } else { 0.0 };
                [byte(r * k), byte(g * k), byte(b * k), byte(a)]
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_grows_with_light_as_stated() {
        let exposure = Exposure {
            mean: 0.2,
            shot: 0.001,
            read: 0.0,
            soften: 0.0,
            vignette: 0.0,
            contrast: 0.0,
            saturation: 1.0,
            cast: (1.0, 1.0),
        };
        let image = develop(
            Canvas::new(256, 256, [0.5; 3]),
            &mut Draws::new(5, 0),
            &exposure,
        );
        let green: Vec<f32> = image.pixels().map(|p| f32::from(p[1])).collect();
        let mean = green.iter().sum::<f32>() / green.len() as f32;
        let deviation = (green.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>()
            / green.len() as f32)
            .sqrt();
        // d(display)/d(light) of the tone curve at 0.2 times the square root of 0.001 · 0.2, in 8-bit steps.
        let slope = (tone(0.201, 0.0) - tone(0.199, 0.0)) / 0.002;
        let expected = 255.0 * slope * (0.001f32 * 0.2).sqrt();
        assert!(
            (deviation / expected - 1.0).abs() < 0.1,
            "{deviation} {expected}"
        );
        assert!((mean / 255.0 - tone(0.2, 0.0)).abs() < 0.01);
    }

    #[test]
    fn the_filter_keeps_a_constant_plane_constant_at_its_borders_too() {
        for k in [-0.1, 0.2] {
            let mut plane = vec![0.4f32; 7 * 5];
            filter(&mut plane, 7, k);
            assert!(plane.iter().all(|v| (v - 0.4).abs() < 1e-6));
        }
    }
}
