//! Pages of text: letters, articles, tables, forms, slides; clean as exported, or photographed on a desk.

mod layout;
mod page;
mod parts;

use crate::draws::Draws;
use crate::synthetic::paint::canvas::{Canvas, Grain, Paint, Relief};
use crate::synthetic::paint::colour::{Rgb, display, hsv, light, material, scaled};
use crate::synthetic::paint::exact::cos_sin;
use crate::synthetic::paint::glyphs::Typeface;
use crate::synthetic::paint::sensor::{Exposure, develop, rendered};
use crate::synthetic::paint::tile::Tile;
use crate::synthetic::plan::Coding;
use crate::synthetic::{Picture, Sheet};
use layout::fill;
use page::Page;

/// Draws a page.
pub(crate) fn paint(draws: &mut Draws, at: Sheet) -> Picture {
    let photographed = at.coding == Coding::Camera;
    let colour = if photographed { light } else { display };
    let paper = colour(draws.pick(&[0xFFFFFF, 0xFFFFFF, 0xF6F1E4, 0xF4F6F8, 0xFFF8E0]));
    let desk = material(draws);
    let mut canvas = Canvas::new(at.width, at.height, if photographed { desk } else { paper });
    let mut page = sheet(draws, at, photographed);
    if photographed {
        table_top(&mut canvas, draws, desk);
        let sheet = Paint {
            relief: Relief::Slope(0.25 * draws.signed(), 0.25 * draws.signed()),
            ..Paint::plain(paper)
        };
        page.block(&mut canvas, 0.0, 0.0, page.width, page.height, &sheet);
    }
    fill(&mut canvas, draws, &mut page);
    if photographed {
        photograph(canvas, draws)
    } else {
        Picture::rgb(at, rendered(&canvas))
    }
}

/// An empty page: all of an exported picture; in a photograph it leans a little and leaves a border.
fn sheet(draws: &mut Draws, at: Sheet, photographed: bool) -> Page {
    let (w, h) = (at.width as f32, at.height as f32);
    let colour = if photographed { light } else { display };
    let (angle, inset) = if photographed {
        (0.02 * draws.signed(), draws.between(0.0, 0.12))
    } else {
        (0.0, 0.0)
    };
    let accent = hsv(draws.unit(), 0.7, 0.6);
    Page {
        face: if draws.chance(0.8) {
            Typeface::sans()
        } else {
            Typeface::mono()
        },
        origin: (
            w * inset * draws.between(0.6, 1.4),
            h * inset * draws.between(0.4, 1.4),
        ),
        turn: cos_sin(angle),
        width: w * (1.0 - 2.0 * inset),
        height: h * (1.0 - 2.0 * inset),
        ink: colour(draws.pick(&[0x101010, 0x202838, 0x181410, 0x303030])),
        accent: if photographed {
            scaled(accent, 0.6)
        } else {
            accent
        },
    }
}

/// The wood that a photographed page lies on.
fn table_top(canvas: &mut Canvas, draws: &mut Draws, desk: Rgb) {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    let wood = Tile::fibres(draws, 256, 0.0, 0.01, 90);
    let grain = Grain {
        tile: &wood,
        zoom: w / 600.0,
        turn: cos_sin(draws.unit()),
        shift: (3.0, 5.0),
        contrast: 0.7,
    };
    let table = Paint {
        dark: scaled(desk, 0.5),
        light: scaled(desk, 1.4),
        grain: Some(grain),
        relief: Relief::Slope(0.2, 0.2),
        veil: ([0.0; 3], 0.0),
        opacity: 1.0,
    };
    canvas.rectangle(-1.0, -1.0, w + 2.0, h + 2.0, &table);
}

/// What the camera makes of the page, sometimes with the photographer's own shadow.
fn photograph(mut canvas: Canvas, draws: &mut Draws) -> Picture {
    let (w, h) = (canvas.width as f32, canvas.height as f32);
    if draws.chance(0.6) {
        let x = w * draws.between(-0.2, 1.0);
        let outline = [
            (x, h * 0.3),
            (x + 0.5 * w, h * 0.2),
            (x + 0.8 * w, h + 9.0),
            (x - 0.1 * w, h + 9.0),
        ];
        canvas.shadow(&outline, 0.02 * w, draws.between(0.1, 0.4));
    }
    let exposure = Exposure {
        mean: draws.between(0.3, 0.6),
        ..Exposure::drawn(draws)
    };
    Picture::Rgb(develop(canvas, draws, &exposure))
}
