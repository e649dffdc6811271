//! Who sits for a portrait, decided before anything is drawn.

use crate::draws::Draws;
use crate::synthetic::paint::colour::{Rgb, light, varied};

const SKIN: [u32; 7] = [
    0xF2CDB4, 0xE3B090, 0xCF9A74, 0xB07A54, 0x8A5A3C, 0x64402C, 0x4A2E22,
];
const HAIR: [u32; 7] = [
    0x16120F, 0x2C1E16, 0x4E3422, 0x7A5430, 0xB08A50, 0x8E8A86, 0x7A3018,
];

/// How the hair is worn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// None, or none that a hat does not hide.
    Bald,
    Short,
    Long,
}

pub(super) struct Sitter {
    /// Centre of the head.
    pub(super) x: f32,
    pub(super) y: f32,
    /// Half the width of the head in pixels.
    pub(super) r: f32,
    /// Half the height of the head in pixels.
    pub(super) tall: f32,
    /// How far the head leans, in turns.
    pub(super) turn: f32,
    pub(super) skin: Rgb,
    pub(super) hair: Rgb,
    pub(super) style: Style,
    /// Direction of the light, and the share that comes from everywhere.
    pub(super) sun: (f32, f32),
    pub(super) ambient: f32,
    /// Blur radius of outlines in pixels.
    pub(super) soft: f32,
}

impl Sitter {
    pub(super) fn drawn(draws: &mut Draws, (x, y): (f32, f32), r: f32) -> Sitter {
        let skin = varied(light(draws.pick(&SKIN)), 0.12, draws);
        let hair = varied(light(draws.pick(&HAIR)), 0.3, draws);
        let sun = (0.75 * draws.signed(), -0.35 * draws.unit());
        let ambient = draws.between(0.25, 0.6);
        Sitter {
            x,
            y,
            r,
            turn: 0.03 * draws.signed(),
            tall: r * draws.between(1.25, 1.42),
            skin,
            hair,
            style: match draws.below(5) {
                0 => Style::Bald,
                1 | 2 => Style::Short,
                _ => Style::Long,
            },
            sun,
            ambient,
            soft: (r * 0.02).min(3.0),
        }
    }

    /// Height of the shoulders on the canvas.
    pub(super) fn shoulder(&self) -> f32 {
        self.y + 1.75 * self.tall
    }
}
