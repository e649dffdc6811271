//! A wall with its windows, sills and bands.

use super::wall::Wall;
use crate::draws::Draws;
use crate::synthetic::paint::canvas::{Canvas, Grain, Paint, Relief};
use crate::synthetic::paint::colour::{Rgb, light, material, mix, scaled, varied};
use crate::synthetic::paint::exact::lerp;
use crate::synthetic::paint::shapes;
use crate::synthetic::paint::tile::Tile;

/// What all windows of a facade have in common.
struct Windows {
    floors: usize,
    columns: usize,
    /// Share of its field that a window takes, across and down.
    wide: f32,
    tall: f32,
    frame: Paint<'static>,
    glass: Rgb,
    /// Colour of the sills, where there are any.
    sills: Option<Rgb>,
    arched: bool,
}

impl Windows {
    fn drawn(draws: &mut Draws, wall: Wall, colour: Rgb) -> Windows {
        let aspect = (wall.right.0 - wall.left.0).abs() / (wall.left.2 - wall.left.1).max(1.0);
        let floors = draws.whole(3, 9);
        let across = floors as f32 * aspect * draws.between(0.6, 1.4);
        Windows {
            floors,
            columns: (across as usize).clamp(2, 16),
            wide: draws.between(0.35, 0.8),
            tall: draws.between(0.4, 0.8),
            frame: Paint::plain(scaled(
                if draws.chance(0.5) { [0.8; 3] } else { colour },
                draws.between(0.5, 1.1),
            )),
            glass: mix(light(0x10161C), light(0x8FB0CC), draws.unit()),
            sills: draws.chance(0.6).then(|| scaled(colour, 1.5)),
            arched: draws.chance(0.2),
        }
    }
}

/// A wall with its windows; `bright` scales its colour, the tiles are plaster and brick.
pub(super) fn facade(
    canvas: &mut Canvas,
    draws: &mut Draws,
    wall: Wall,
    bright: f32,
    (plaster, brick): (&Tile, &Tile),
) {
    let colour = scaled(material(draws), bright * 1.1);
    let is_brick = draws.chance(0.35);
    let size =
        ((wall.left.2 - wall.left.1).max(wall.right.2 - wall.right.1) / 512.0).clamp(0.4, 3.0);
    let grain = Grain {
        tile: if is_brick { brick } else { plaster },
        zoom: size * draws.between(0.6, 1.2),
        turn: (1.0, 0.0),
        shift: (draws.unit() * 256.0, draws.unit() * 256.0),
        contrast: if is_brick { 0.8 } else { 0.5 },
    };
    let body = Paint {
        dark: scaled(colour, 0.55),
        light: scaled(colour, 1.35),
        grain: Some(grain),
        relief: Relief::Slope(0.12 * draws.signed(), -0.12),
        veil: ([0.0; 3], 0.0),
        opacity: 1.0,
    };
    canvas.polygon(&wall.patch(0.0, 1.0, 0.0, 1.0), 0.0, &body);
    let windows = Windows::drawn(draws, wall, colour);
    for floor in 0..windows.floors {
        for column in 0..windows.columns {
            window(canvas, draws, wall, &windows, (column, floor));
        }
    }
    // The band under the roof.
    canvas.polygon(
        &wall.patch(-0.01, 1.01, -0.015, 0.012),
        0.0,
        &Paint::plain(scaled(colour, 0.5)),
    );
}

/// Frame, pane, perhaps an arch and a curtain, mullion and sill of one window.
fn window(
    canvas: &mut Canvas,
    draws: &mut Draws,
    wall: Wall,
    windows: &Windows,
    (column, floor): (usize, usize),
) {
    let (columns, floors) = (windows.columns as f32, windows.floors as f32);
    let t0 = (floor as f32 + 0.5 - 0.5 * windows.tall) / floors;
    let t1 = t0 + windows.tall / floors;
    let s0 = (column as f32 + 0.5 - 0.5 * windows.wide) / columns;
    let s1 = s0 + windows.wide / columns;
    let e = 0.12 / columns;
    let frame = wall.patch(s0 - e, s1 + e, t0 - 0.5 * e, t1 + 0.5 * e);
    canvas.polygon(&frame, 0.0, &windows.frame);
    let sheen = scaled(varied(windows.glass, 0.3, draws), draws.between(0.4, 1.4));
    let pane = Paint {
        relief: Relief::Slope(0.3 * draws.signed(), -0.4),
        ..Paint::plain(sheen)
    };
    canvas.polygon(&wall.patch(s0, s1, t0, t1), 0.0, &pane);
    if windows.arched {
        let (a, b) = (wall.at(s0, t0), wall.at(s1, t0));
        let half = 0.5 * (b.0 - a.0);
        let mut arch = shapes::ellipse(0.5 * (a.0 + b.0), a.1, half, 0.6 * half, 0.0, 24);
        arch.retain(|p| p.1 <= a.1 + 0.5);
        canvas.polygon(&arch, 0.0, &pane);
    }
    if draws.chance(0.3) {
        let curtain = Paint::plain(scaled([0.75, 0.7, 0.6], draws.between(0.3, 1.0)));
        let drop = lerp(t0, t1, draws.between(0.2, 0.9));
        canvas.polygon(&wall.patch(s0, s1, t0, drop), 0.0, &curtain);
    }
    let m = 0.5 * (s0 + s1);
    let mullion = wall.patch(m - 0.15 * e, m + 0.15 * e, t0, t1);
    canvas.polygon(&mullion, 0.0, &windows.frame);
    if let Some(colour) = windows.sills {
        let (left, right) = (s0 - 2.0 * e, s1 + 2.0 * e);
        let sill = wall.patch(left, right, t1, t1 + 0.9 * e);
        canvas.polygon(&sill, 0.0, &Paint::plain(colour));
        let below = wall.patch(left, right, t1 + 0.9 * e, t1 + 1.8 * e);
        canvas.shadow(&below, 0.0, 0.4);
    }
}
