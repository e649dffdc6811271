//! Local edits: what is drawn where.

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};

/// A rectangle: left, top, width, height, pixels.
pub(crate) type Place = [u32; 4];

/// Draws on an image at a place; the second image is another one, of the same class if there is one.
pub(crate) type Draw = fn(&mut RgbImage, &RgbImage, Place);

pub(crate) struct Edit {
    pub(crate) name: &'static str,
    /// Width and height as shares of the image's.
    pub(crate) size: (f64, f64),
    /// Only pages have words to change.
    pub(crate) on_pages_only: bool,
    pub(crate) draw: Draw,
}

pub(crate) const fn edit(name: &'static str, width: f64, height: f64, draw: Draw) -> Edit {
    Edit {
        name,
        size: (width, height),
        on_pages_only: false,
        draw,
    }
}

pub(crate) const EDITS: [Edit; 8] = [
    edit("object pasted, 1 % of the area", 0.113, 0.113, pasted),
    edit("object pasted, 3 %", 0.195, 0.195, pasted),
    edit("object pasted, 10 %", 0.357, 0.357, pasted),
    edit("region removed, 3 %", 0.173, 0.173, removed),
    edit("region removed, 10 %", 0.316, 0.316, removed),
    edit("face-sized region swapped, 4 %", 0.2, 0.2, swapped),
    Edit {
        on_pages_only: true,
        ..edit("a line of words replaced, 1 %", 0.3, 0.035, replaced)
    },
    Edit {
        on_pages_only: true,
        ..edit("a paragraph replaced, 6 %", 0.5, 0.12, replaced)
    },
];

/// A coordinate's distance from a place's middle in half widths.
pub(crate) fn from_middle(at: u32, length: u32) -> f64 {
    (f64::from(at) + 0.5) / f64::from(length) * 2.0 - 1.0
}

pub(crate) fn blended(under: &mut Rgb<u8>, over: Rgb<u8>, opacity: f64) {
    for (a, b) in under.0.iter_mut().zip(over.0) {
        *a = (f64::from(*a) * (1.0 - opacity) + f64::from(b) * opacity).round() as u8;
    }
}

/// An ellipse of another image, with an edge of a twentieth of its radius.
pub(crate) fn pasted(image: &mut RgbImage, other: &RgbImage, [left, top, width, height]: Place) {
    let object = imageops::resize(other, width, height, FilterType::Triangle);
    for (x, y, pixel) in object.enumerate_pixels() {
        let radius = from_middle(x, width).hypot(from_middle(y, height));
        let opacity = ((1.0 - radius) * 20.0).clamp(0.0, 1.0);
        blended(image.get_pixel_mut(left + x, top + y), *pixel, opacity);
    }
}

/// The same place of another image, with a soft edge.
pub(crate) fn swapped(image: &mut RgbImage, other: &RgbImage, place: Place) {
    let [left, top, width, height] = place;
    let other = imageops::resize(other, image.width(), image.height(), FilterType::Triangle);
    for y in 0..height {
        for x in 0..width {
            let edge = from_middle(x, width)
                .abs()
                .max(from_middle(y, height).abs());
            let opacity = ((1.0 - edge) * 10.0).clamp(0.0, 1.0);
            let pixel = *other.get_pixel(left + x, top + y);
            blended(image.get_pixel_mut(left + x, top + y), pixel, opacity);
        }
    }
}

/// Painted over from its four borders: between them, the nearer a border the more it counts.
pub(crate) fn removed(image: &mut RgbImage, _: &RgbImage, [left, top, width, height]: Place) {
    let source = image.clone();
    let (right, bottom) = (left + width - 1, top + height - 1);
    for y in top..=bottom {
        for x in left..=right {
            let borders = [
                (left, y, x - left),
                (right, y, right - x),
                (x, top, y - top),
                (x, bottom, bottom - y),
            ];
            let (mut sum, mut total) = ([0.0; 3], 0.0);
            for (u, v, distance) in borders {
                let weight = 1.0 / f64::from(distance + 1);
                total += weight;
                for (sum, value) in sum.iter_mut().zip(source.get_pixel(u, v).0) {
                    *sum += weight * f64::from(value);
                }
            }
            image.put_pixel(x, y, Rgb(sum.map(|sum| (sum / total).round() as u8)));
        }
    }
}

/// What stands elsewhere on the same page: a third of the page further down, around its end.
pub(crate) fn replaced(image: &mut RgbImage, _: &RgbImage, [left, top, width, height]: Place) {
    let source = image.clone();
    let from = (top + image.height() / 3) % (image.height() - height);
    let part = imageops::crop_imm(&source, left, from, width, height).to_image();
    imageops::replace(image, &part, i64::from(left), i64::from(top));
}

impl Edit {
    /// A place within the image, away from its border by 5 % of each side.
    pub(crate) fn place(&self, image: &RgbImage, key: u64) -> Place {
        let along = |length: u32, share: f64, key: u64| {
            let size = ((f64::from(length) * share).round() as u32).clamp(1, length);
            let margin = ((f64::from(length) * 0.05) as u32).min((length - size) / 2);
            let room = u64::from(length - size - 2 * margin);
            (margin + (key % (room + 1)) as u32, size)
        };
        let (left, width) = along(image.width(), self.size.0, key >> 32);
        let (top, height) = along(image.height(), self.size.1, key & 0xffff_ffff);
        [left, top, width, height]
    }
}
