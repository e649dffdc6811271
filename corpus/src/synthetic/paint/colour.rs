//! Colours as linear light, and the palettes of the classes.

use super::exact::lerp;
use crate::draws::Draws;

/// Red, green and blue; linear light where a sensor follows, display values where none does. 1.0 is white.
pub(crate) type Rgb = [f32; 3];

/// Linear light of an 8-bit display colour; the sensor's tone curve is a square root, so this is a square.
pub(crate) fn light(hex: u32) -> Rgb {
    display(hex).map(|v| v * v)
}

/// Display values of an 8-bit colour, 0 to 1.
pub(crate) fn display(hex: u32) -> Rgb {
    [hex >> 16, hex >> 8, hex].map(|v| (v & 255) as f32 / 255.0)
}

/// Mix of two colours, `a` at t = 0.
pub(crate) fn mix(a: Rgb, b: Rgb, t: f32) -> Rgb {
    [
        lerp(a[0], b[0], t),
        lerp(a[1], b[1], t),
        lerp(a[2], b[2], t),
    ]
}

/// A colour times a factor.
pub(crate) fn scaled(c: Rgb, k: f32) -> Rgb {
    c.map(|v| v * k)
}

/// A colour from hue (turns), saturation and value (0 to 1), on the usual hexcone.
pub(crate) fn hsv(hue: f32, saturation: f32, value: f32) -> Rgb {
    let h = (hue - hue.floor()) * 6.0;
    [5.0, 3.0, 1.0].map(|offset: f32| {
        let k = offset + h;
        let k = k - 6.0 * (k / 6.0).floor();
        value * (1.0 - saturation * k.min(4.0 - k).clamp(0.0, 1.0))
    })
}

/// A colour near `c`, each channel and the whole varied by up to `amount`.
pub(crate) fn varied(c: Rgb, amount: f32, draws: &mut Draws) -> Rgb {
    let all = 1.0 + amount * draws.signed();
    c.map(|v| (v * (all + 0.5 * amount * draws.signed())).max(0.0))
}

/// Any colour that objects and walls have: greys and browns often, strong colours sometimes.
pub(crate) fn material(draws: &mut Draws) -> Rgb {
    let saturation = draws.unit() * draws.unit();
    let value = draws.between(0.15, 0.95);
    let hue = if draws.chance(0.6) {
        draws.between(0.02, 0.16)
    } else {
        draws.unit()
    };
    let c = hsv(hue, 0.06 + 0.8 * saturation, value);
    c.map(|v| v * v)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primary_hues_are_primary_colours() {
        assert_eq!(hsv(0.0, 1.0, 1.0), [1.0, 0.0, 0.0]);
        assert!((hsv(1.0 / 3.0, 1.0, 1.0)[1] - 1.0).abs() < 1e-5);
        assert!((hsv(2.0 / 3.0, 1.0, 1.0)[2] - 1.0).abs() < 1e-5);
        assert_eq!(hsv(0.4, 0.0, 0.5), [0.5; 3]);
    }
}
