//! Things on things: still lifes, desks, shelves, markets. Objects whose sizes follow a power law cover one
//! another (the dead-leaves model of natural images, Lee, Mumford and Huang 2001), lit from one side, with
//! shadows and limited depth of field.

use super::super::paint::canvas::{Canvas, Grain, Paint, Relief};
use super::super::paint::colour::{Rgb, light, material, scaled, varied};
use super::super::paint::exact::cos_sin;
use super::super::paint::polygon::Point;
use super::super::paint::sensor::{Exposure, develop};
use super::super::paint::shapes;
use super::super::paint::tile::Tile;
use crate::draws::Draws;
use crate::synthetic::{Picture, Sheet};

/// What the things of one picture have in common.
struct Scene<'a> {
    tiles: &'a [Tile; 3],
    /// Direction of the light.
    sun: (f32, f32),
    /// Long side of the picture in pixels.
    long: f32,
    /// Depth that is sharp, 0 to 1.
    focus: f32,
    /// Blur radius in pixels at half of the depth away from it.
    blur: f32,
    /// Smallest and largest radius in pixels.
    radii: (f32, f32),
    /// Area to cover before the picture is full, in pixels.
    crowd: f32,
    kinds: [usize; 3],
    /// The colour that many things share, and how many.
    family: Rgb,
    kinship: f32,
}

impl<'a> Scene<'a> {
    fn drawn(draws: &mut Draws, (w, h): (f32, f32), tiles: &'a [Tile; 3], sun: (f32, f32)) -> Self {
        let long = w.max(h);
        Scene {
            tiles,
            sun,
            long,
            focus: draws.unit(),
            blur: if draws.chance(0.5) {
                long * draws.between(0.002, 0.02)
            } else {
                0.0
            },
            radii: (
                draws.between(0.008, 0.04) * long,
                draws.between(0.12, 0.45) * long,
            ),
            crowd: draws.between(0.25, 1.5) * w * h,
            kinds: [draws.below(5), draws.below(5), draws.below(5)],
            family: material(draws),
            kinship: draws.unit(),
        }
    }

    /// A radius with density r⁻³ between the bounds: 1/r² is uniform.
    fn radius(&self, draws: &mut Draws) -> f32 {
        let (smallest, largest) = self.radii;
        let (a, b) = (1.0 / (smallest * smallest), 1.0 / (largest * largest));
        1.0 / (b + (a - b) * draws.unit()).sqrt()
    }
}

/// Draws a still life.
pub(crate) fn paint(draws: &mut Draws, at: Sheet) -> Picture {
    let (w, h) = (at.width as f32, at.height as f32);
    let tiles = surfaces(draws);
    let mut canvas = Canvas::new(at.width, at.height, [0.2; 3]);
    let sun = cos_sin(draws.unit());
    ground(&mut canvas, draws, &tiles[2], sun);
    let scene = Scene::drawn(draws, (w, h), &tiles, sun);
    let mut covered = 0.0;
    let mut drawn = 0;
    while covered < scene.crowd && drawn < 260 {
        drawn += 1;
        let r = scene.radius(draws);
        covered += 2.2 * r * r;
        thing(&mut canvas, draws, &scene, r, covered / scene.crowd);
    }
    let exposure = Exposure::drawn(draws);
    Picture::Rgb(develop(canvas, draws, &exposure))
}

/// The three textures of a picture; the last lies on its ground, too.
fn surfaces(draws: &mut Draws) -> [Tile; 3] {
    let roughs = [draws.between(0.75, 1.05), draws.between(0.6, 0.9)];
    let across = draws.pick(&[8, 16, 32]);
    let turn = draws.unit();
    [
        Tile::fractal(draws, 256, roughs[0]),
        Tile::fractal(draws, 512, roughs[1]),
        match draws.below(3) {
            0 => Tile::cells(draws, 256, across),
            1 => Tile::fibres(draws, 256, turn, 0.03, 40),
            _ => Tile::ridged(draws, 256, 0.9),
        },
    ]
}

/// One thing of radius `r` pixels at a depth of 0 to 1, with its shadow, its marks and its gloss.
fn thing(canvas: &mut Canvas, draws: &mut Draws, scene: &Scene<'_>, r: f32, depth: f32) {
    let sun = scene.sun;
    let centre = (
        draws.between(-0.05, 1.05) * canvas.width as f32,
        draws.between(-0.05, 1.05) * canvas.height as f32,
    );
    let soft = (scene.blur * (depth - scene.focus).abs() * 2.0).min(0.4 * r);
    let colour = if draws.chance(scene.kinship) {
        varied(scene.family, 0.5, draws)
    } else {
        material(draws)
    };
    let flatness = draws.between(0.4, 1.0);
    let turn = draws.unit();
    let kind = scene.kinds[draws.below(3)];
    let outline = silhouette(draws, kind, centre, r, flatness, turn);
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
            tile: &scene.tiles[draws.below(3)],
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
    if r > 0.05 * scene.long && draws.chance(0.5) {
        detail(canvas, draws, centre, r, turn, soft);
    }
    if draws.chance(0.35) {
        // A window or lamp mirrored in a glossy surface.
        let at = (
            centre.0 + 0.35 * r * sun.0,
            centre.1 + 0.35 * r * sun.1 * flatness,
        );
        let gloss = shapes::ellipse(at.0, at.1, 0.16 * r, 0.09 * r, turn, 20);
        let shine = Paint {
            opacity: draws.between(0.3, 0.95),
            ..Paint::plain([1.3; 3])
        };
        canvas.polygon(&gloss, soft + 0.03 * r, &shine);
    }
}

/// An ellipse, a lump, a box, a leaf or a polygon, in this order of kinds.
fn silhouette(
    draws: &mut Draws,
    kind: usize,
    (x, y): Point,
    r: f32,
    flatness: f32,
    turn: f32,
) -> Vec<Point> {
    match kind {
        0 => shapes::ellipse(x, y, r, r * flatness, turn, 48),
        1 => shapes::blob(draws, (x, y), r, r * flatness, 0.16, 56),
        2 => shapes::rounded(x, y, 1.9 * r, 1.9 * r * flatness, 0.15 * r, turn),
        3 => shapes::leaf(x, y, 2.4 * r, 0.9 * r * flatness, turn),
        _ => {
            let corners = draws.whole(3, 7);
            let inner = if draws.chance(0.3) { 0.5 } else { 1.0 };
            shapes::star(x, y, r, corners, inner, turn)
        }
    }
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
