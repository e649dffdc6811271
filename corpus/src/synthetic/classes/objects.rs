//! Things on things: still lifes, desks, shelves, markets. Objects whose sizes follow a power law cover one
//! another (the dead-leaves model of natural images, Lee, Mumford and Huang 2001), lit from one side, with
//! shadows and limited depth of field.

use super::super::paint::canvas::{Canvas, Grain, Paint, Relief};
use super::super::paint::colour::{light, material, scaled, varied};
use super::super::paint::exact::cos_sin;
use super::super::paint::sensor::{Exposure, develop};
use super::super::paint::shapes;
use super::super::paint::tile::Tile;
use crate::draws::Draws;
use crate::synthetic::{Picture, Sheet};

/// Draws a still life.
pub(crate) fn paint(draws: &mut Draws, at: Sheet) -> Picture {
    let (width, height) = (at.width, at.height);
    let (w, h) = (width as f32, height as f32);
    let roughs = [draws.between(0.75, 1.05), draws.between(0.6, 0.9)];
    let across = draws.pick(&[8, 16, 32]);
    let turn = draws.unit();
    let tiles = [
        Tile::fractal(draws, 256, roughs[0]),
        Tile::fractal(draws, 512, roughs[1]),
        match draws.below(3) {
            0 => Tile::cells(draws, 256, across),
            1 => Tile::fibres(draws, 256, turn, 0.03, 40),
            _ => Tile::ridged(draws, 256, 0.9),
        },
    ];
    let mut canvas = Canvas::new(width, height, [0.2; 3]);
    let sun = cos_sin(draws.unit());
    let long = w.max(h);
    ground(&mut canvas, draws, &tiles[2], sun);
    let focus = draws.unit();
    let blur = if draws.chance(0.5) {
        long * draws.between(0.002, 0.02)
    } else {
        0.0
    };
    let (smallest, largest) = (
        draws.between(0.008, 0.04) * long,
        draws.between(0.12, 0.45) * long,
    );
    let crowd = draws.between(0.25, 1.5) * w * h;
    let kinds = [draws.below(5), draws.below(5), draws.below(5)];
    let family = material(draws);
    let kinship = draws.unit();
    let mut covered = 0.0;
    let mut drawn = 0;
    while covered < crowd && drawn < 260 {
        drawn += 1;
        // Density r⁻³ between the bounds: 1/r² is uniform.
        let (a, b) = (1.0 / (smallest * smallest), 1.0 / (largest * largest));
        let r = 1.0 / (b + (a - b) * draws.unit()).sqrt();
        covered += 2.2 * r * r;
        let centre = (
            draws.between(-0.05, 1.05) * w,
            draws.between(-0.05, 1.05) * h,
        );
        let depth = (covered / crowd - focus).abs();
        let soft = (blur * depth * 2.0).min(0.4 * r);
        let colour = if draws.chance(kinship) {
            varied(family, 0.5, draws)
        } else {
            material(draws)
        };
        let flatness = draws.between(0.4, 1.0);
        let turn = draws.unit();
        let outline = match kinds[draws.below(3)] {
            0 => shapes::ellipse(centre.0, centre.1, r, r * flatness, turn, 48),
            1 => shapes::blob(draws, centre, r, r * flatness, 0.16, 56),
            2 => shapes::rounded(
                centre.0,
                centre.1,
                1.9 * r,
                1.9 * r * flatness,
                0.15 * r,
                turn,
            ),
            3 => shapes::leaf(centre.0, centre.1, 2.4 * r, 0.9 * r * flatness, turn),
            _ => {
                let corners = draws.whole(3, 7);
                shapes::star(
                    centre.0,
                    centre.1,
                    r,
                    corners,
                    if draws.chance(0.3) { 0.5 } else { 1.0 },
                    turn,
                )
            }
        };
        let fall = 0.12 * r;
        let shade: Vec<_> = outline
            .iter()
            .map(|&(x, y)| (x - sun.0 * fall, y - sun.1 * fall))
            .collect();
        canvas.shadow(&shade, soft + 0.07 * r, 0.55);
        let relief = if draws.chance(0.6) {
            Relief::Round(0.6 * sun.0, 0.6 * sun.1, 0.3)
        } else {
            Relief::Slope(0.3 * sun.0, 0.3 * sun.1)
        };
        let paint = Paint {
            dark: scaled(colour, 0.45),
            light: scaled(colour, 1.6),
            grain: Some(Grain {
                tile: &tiles[draws.below(3)],
                zoom: (r / 120.0).clamp(0.5, 2.5),
                turn: cos_sin(turn),
                shift: (draws.unit() * 512.0, draws.unit() * 512.0),
                contrast: 0.15 + 0.8 * draws.unit() * draws.unit(),
            }),
            relief,
            veil: ([0.0; 3], 0.0),
            opacity: 1.0,
        };
        canvas.polygon(&outline, soft, &paint);
        if r > 0.05 * long && draws.chance(0.5) {
            detail(&mut canvas, draws, centre, r, turn, soft);
        }
        if draws.chance(0.35) {
            // A window or lamp mirrored in a glossy surface.
            let at = (
                centre.0 + 0.35 * r * sun.0,
                centre.1 + 0.35 * r * sun.1 * flatness,
            );
            let gloss = shapes::ellipse(at.0, at.1, 0.16 * r, 0.09 * r, turn, 20);
            canvas.polygon(
                &gloss,
                soft + 0.03 * r,
                &Paint {
                    opacity: draws.between(0.3, 0.95),
                    ..Paint::plain([1.3; 3])
                },
            );
        }
    }
    let exposure = Exposure::drawn(draws);
    Picture::Rgb(develop(canvas, draws, &exposure))
}

/// Table, cloth or floor, and sometimes the wall behind it.
fn ground(canvas: &mut Canvas, draws: &mut Draws, tile: &Tile, sun: (f32, f32)) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    let mut surface = |top: f32, bottom: f32, zoom: f32| {
        let colour = varied(material(draws), 0.2, draws);
        let grain = Grain {
            tile,
            zoom: w / 900.0 * zoom,
            turn: cos_sin(0.25 * draws.unit()),
            shift: (draws.unit() * 256.0, draws.unit() * 256.0),
            contrast: draws.between(0.1, 0.8),
        };
        let relief = Relief::Slope(0.45 * sun.0, 0.45 * sun.1);
        let paint = Paint {
            dark: scaled(colour, 0.5),
            light: scaled(colour, 1.5),
            grain: Some(grain),
            relief,
            veil: ([0.0; 3], 0.0),
            opacity: 1.0,
        };
        canvas.rectangle(-2.0, top, w + 4.0, bottom - top, &paint);
    };
    surface(-2.0, h + 2.0, 1.0);
    if sun.0 > 0.0 {
        surface(-2.0, h * (0.2 + 0.3 * sun.0), 1.6);
    }
}

/// Marks on an object: stripes, dots or a label.
fn detail(
    canvas: &mut Canvas,
    draws: &mut Draws,
    (x, y): (f32, f32),
    r: f32,
    turn: f32,
    soft: f32,
) {
    let ink = Paint {
        opacity: draws.between(0.4, 0.95),
        ..Paint::plain(material(draws))
    };
    let (c, s) = cos_sin(turn);
    let n = draws.whole(2, 7);
    match draws.below(3) {
        0 => {
            for i in 0..n {
                let t = 1.2 * (i as f32 + 0.5) / n as f32 - 0.6;
                let half = r * 0.55 * (1.0 - t * t).max(0.1);
                let at = (x + t * r * c, y + t * r * s);
                let line = [
                    (at.0 - half * s, at.1 + half * c),
                    (at.0 + half * s, at.1 - half * c),
                ];
                canvas.polygon(&shapes::stroke(&line, 0.06 * r, 0.06 * r), soft, &ink);
            }
        }
        1 => {
            for _ in 0..3 * n {
                let (a, b) = cos_sin(draws.unit());
                let far = 0.6 * r * draws.unit().sqrt();
                canvas.polygon(
                    &shapes::ellipse(x + far * a, y + far * b, 0.05 * r, 0.05 * r, 0.0, 12),
                    soft,
                    &ink,
                );
            }
        }
        _ => {
            canvas.polygon(
                &shapes::rounded(x, y, 0.9 * r, 0.5 * r, 0.05 * r, turn),
                soft,
                &Paint::plain(light(0xF0ECE0)),
            );
            for i in 0..n {
                let t = 0.4 * (i as f32 + 0.5) / n as f32 - 0.2;
                let at = (x - t * r * s, y + t * r * c);
                let half = 0.35 * r * draws.between(0.4, 1.0);
                let line = [
                    (at.0 - half * c, at.1 - half * s),
                    (at.0 + half * c, at.1 + half * s),
                ];
                canvas.polygon(
                    &shapes::stroke(&line, 0.02 * r, 0.02 * r),
                    soft,
                    &Paint::plain([0.03; 3]),
                );
            }
        }
    }
}
