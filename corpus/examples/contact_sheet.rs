//! Draws many synthetic images small on one sheet, to look at.
//!
//! `cargo run -p credlink-corpus --example contact_sheet -- SHEET.png [SEED] [FIRST] [CLASS]`

use std::env;
use std::error::Error;

use credlink_corpus::{ImageSet, SyntheticSet};
use image::imageops::{FilterType, overlay};
use image::{Rgba, RgbaImage};

const CELL: u32 = 240;
const COLUMNS: u32 = 7;
const ROWS: u32 = 6;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let path = arguments
        .next()
        .ok_or("give the path of the sheet to write")?;
    let seed = arguments.next().map_or(Ok(1), |s| s.parse())?;
    let first: usize = arguments.next().map_or(Ok(0), |s| s.parse())?;
    let class = arguments.next();
    let set = SyntheticSet::new(seed);
    let mut sheet = RgbaImage::from_pixel(CELL * COLUMNS, CELL * ROWS, Rgba([90, 90, 96, 255]));
    let wanted = (first..).filter(|&i| class.as_ref().is_none_or(|c| set.entry(i).class == *c));
    for (slot, index) in (0..COLUMNS * ROWS).zip(wanted) {
        let small = set
            .picture(index)
            .resize(CELL - 8, CELL - 8, FilterType::Triangle)
            .to_rgba8();
        let x = slot % COLUMNS * CELL + (CELL - small.width()) / 2;
        let y = slot / COLUMNS * CELL + (CELL - small.height()) / 2;
        overlay(&mut sheet, &small, i64::from(x), i64::from(y));
    }
    sheet.save(path)?;
    Ok(())
}
