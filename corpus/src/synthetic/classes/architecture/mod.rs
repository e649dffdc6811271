//! Streets and buildings: facades in perspective with rows of windows, hard edges, cars and people.

mod facade;
mod life;
mod street;
mod wall;

use crate::draws::Draws;
use crate::synthetic::paint::canvas::Canvas;
use crate::synthetic::paint::colour::{light, mix, varied};
use crate::synthetic::paint::exact::lerp;
use crate::synthetic::paint::sensor::{Exposure, develop};
use crate::synthetic::paint::tile::Tile;
use crate::synthetic::{Picture, Sheet};
use facade::facade;
use life::life;
use street::{row, street};
use wall::Wall;

/// Draws a street, a row of houses or a single facade.
pub(crate) fn paint(draws: &mut Draws, at: Sheet) -> Picture {
    let h = at.height as f32;
    let plaster = Tile::fractal(draws, 256, 1.0);
    let (across, down) = (draws.pick(&[4, 8, 16]), draws.pick(&[8, 16, 32]));
    let brick = Tile::blocks(draws, 256, across, down, 1.2);
    let mut canvas = sky(draws, at);
    let ground = h * draws.between(0.7, 1.0);
    let side = draws.signed();
    match draws.below(3) {
        0 => street(&mut canvas, draws, ground.min(0.92 * h), (&plaster, &brick)),
        1 => row(&mut canvas, draws, ground, side, (&plaster, &brick)),
        _ => front(&mut canvas, draws, (&plaster, &brick)),
    }
    life(&mut canvas, draws, ground);
    if draws.chance(0.5) {
        shade(&mut canvas, draws);
    }
    let exposure = Exposure::drawn(draws);
    Picture::Rgb(develop(canvas, draws, &exposure))
}

/// A canvas with a sky that grows pale towards the ground.
fn sky(draws: &mut Draws, at: Sheet) -> Canvas {
    let sky = varied(
        light(draws.pick(&[0x86B4DE, 0xC8D0D6, 0x5E96D2, 0xE8D8C0, 0x9AA6B0])),
        0.15,
        draws,
    );
    let pale = mix(sky, [1.0; 3], 0.6);
    let mut canvas = Canvas::new(at.width, at.height, sky);
    let h = at.height as f32;
    canvas.rows(0..at.height, |y, rows| {
        for (c, row) in rows.into_iter().enumerate() {
            row.fill(lerp(sky[c], pale[c], (y as f32 / h).min(1.0)));
        }
    });
    canvas
}

/// One facade that fills the picture.
fn front(canvas: &mut Canvas, draws: &mut Draws, tiles: (&Tile, &Tile)) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    let tilt = 0.3 * draws.signed();
    let wall = Wall {
        left: (
            -0.02 * w,
            h * (-0.1 - tilt.max(0.0)),
            h * (1.02 + tilt.max(0.0)),
        ),
        right: (
            1.02 * w,
            h * (-0.1 + tilt.min(0.0)),
            h * (1.02 - tilt.min(0.0)),
        ),
    };
    facade(canvas, draws, wall, 1.0, tiles);
}

/// The shadow of the house opposite, with a straight edge.
fn shade(canvas: &mut Canvas, draws: &mut Draws) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    let (x0, x1) = (draws.between(-0.5, 0.8) * w, draws.between(0.2, 1.5) * w);
    let lean = 0.5 * h * draws.signed();
    let outline = [
        (x0, -5.0),
        (x1, -5.0),
        (x1 + lean, h + 5.0),
        (x0 + lean, h + 5.0),
    ];
    canvas.shadow(&outline, w * 0.004, draws.between(0.25, 0.6));
}
