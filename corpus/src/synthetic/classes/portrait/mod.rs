//! One or two people before an unsharp background: smooth shading, few edges, fine texture in hair and cloth.

mod background;
mod face;
mod person;
mod sitter;

use crate::draws::Draws;
use crate::synthetic::paint::canvas::Canvas;
use crate::synthetic::paint::sensor::{Exposure, develop};
use crate::synthetic::paint::tile::Tile;
use crate::synthetic::{Picture, Sheet};
use background::background;
use person::{Tiles, person};

/// Draws a portrait.
pub(crate) fn paint(draws: &mut Draws, at: Sheet) -> Picture {
    let (w, h) = (at.width as f32, at.height as f32);
    let tiles = Tiles::drawn(draws);
    let mut canvas = Canvas::new(at.width, at.height, [0.1; 3]);
    // Few octaves: what is out of focus has no fine ones.
    let blurred = Tile::fractal(draws, 64, 0.6);
    background(&mut canvas, draws, &blurred);
    let people = if draws.chance(0.25) { 2 } else { 1 };
    for i in 0..people {
        let share = if people == 2 {
            0.26 + 0.48 * i as f32
        } else {
            draws.between(0.25, 0.75)
        };
        let size =
            h.min(1.3 * w) * draws.between(0.10, 0.25) / if people == 2 { 1.25 } else { 1.0 };
        let head = (w * share, h * draws.between(0.30, 0.55));
        person(&mut canvas, draws, head, size, &tiles);
    }
    let exposure = Exposure {
        soften: draws.between(0.05, 0.2),
        ..Exposure::drawn(draws)
    };
    Picture::Rgb(develop(canvas, draws, &exposure))
}
