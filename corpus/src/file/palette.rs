//! A palette of at most 256 colours for a picture: exact where it has no more, median cut (Heckbert 1982)
//! where it has.

use image::RgbImage;

/// Colours, and which of them stands for each cell of 5 bits a channel.
pub(crate) struct Palette {
    pub(crate) colours: Vec<[u8; 3]>,
    cells: Vec<u8>,
    exact: bool,
}

/// A cell of colour space: its index, number of pixels and sum of each channel.
type Cell = (usize, u64, [u64; 3]);

fn cell(p: [u8; 3]) -> usize {
    (usize::from(p[0] >> 3) << 10) | (usize::from(p[1] >> 3) << 5) | usize::from(p[2] >> 3)
}

impl Palette {
    /// The palette of a picture.
    pub(crate) fn of(image: &RgbImage) -> Palette {
        let mut seen: Vec<[u8; 3]> = Vec::new();
        let mut last = None;
        for p in image.pixels() {
            if last != Some(p.0) {
                last = Some(p.0);
                if let Err(at) = seen.binary_search(&p.0) {
                    seen.insert(at, p.0);
                    if seen.len() > 256 {
                        return Palette::cut(image);
                    }
                }
            }
        }
        Palette {
            colours: seen,
            cells: Vec::new(),
            exact: true,
        }
    }

    fn cut(image: &RgbImage) -> Palette {
        let mut sums: Vec<Cell> = (0..1 << 15).map(|i| (i, 0, [0; 3])).collect();
        for p in image.pixels() {
            let s = &mut sums[cell(p.0)];
            s.1 += 1;
            for (sum, &v) in s.2.iter_mut().zip(&p.0) {
                *sum += u64::from(v);
            }
        }
        sums.retain(|s| s.1 > 0);
        let mut boxes: Vec<Vec<Cell>> = vec![sums];
        while boxes.len() < 256 {
            // The box whose longest side holds most is split at the median of that side.
            let best = (0..boxes.len())
                .filter(|&i| boxes[i].len() > 1)
                .max_by_key(|&i| spread(&boxes[i]).1);
            let Some(i) = best else { break };
            let axis = spread(&boxes[i]).0;
            let mut cells = boxes.swap_remove(i);
            cells.sort_by_key(|c| (channel(c.0, axis), c.0));
            let half: u64 = cells.iter().map(|c| c.1).sum::<u64>() / 2;
            let mut count = 0;
            let at = cells.iter().position(|c| {
                count += c.1;
                count >= half
            });
            let at = at.map_or(1, |a| a + 1).clamp(1, cells.len() - 1);
            let upper = cells.split_off(at);
            boxes.push(cells);
            boxes.push(upper);
        }
        let mut cells = vec![0u8; 1 << 15];
        let mut colours = Vec::with_capacity(boxes.len());
        for (index, members) in boxes.iter().enumerate() {
            let n: u64 = members.iter().map(|c| c.1).sum::<u64>().max(1);
            let mean = |k: usize| (members.iter().map(|c| c.2[k]).sum::<u64>() / n) as u8;
            colours.push([mean(0), mean(1), mean(2)]);
            for c in members {
                cells[c.0] = index as u8;
            }
        }
        Palette {
            colours,
            cells,
            exact: false,
        }
    }

    /// One palette index for each pixel.
    pub(crate) fn indices(&self, image: &RgbImage) -> Vec<u8> {
        let index = |p: &image::Rgb<u8>| {
            if self.exact {
                self.colours.binary_search(&p.0).unwrap_or(0) as u8
            } else {
                self.cells[cell(p.0)]
            }
        };
        image.pixels().map(index).collect()
    }
}

fn channel(cell: usize, axis: usize) -> usize {
    (cell >> (10 - 5 * axis)) & 31
}

/// The longest axis of a box, and its length times the box's pixels.
fn spread(cells: &[Cell]) -> (usize, u64) {
    let n: u64 = cells.iter().map(|c| c.1).sum();
    (0..3)
        .map(|axis| {
            let values = cells.iter().map(|c| channel(c.0, axis));
            let length = values.clone().max().unwrap_or(0) - values.min().unwrap_or(0);
            (axis, length as u64 * n)
        })
        .max_by_key(|&(axis, score)| (score, 2 - axis))
        .unwrap_or((0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_colours_are_kept_exactly() {
        let image = RgbImage::from_fn(64, 64, |x, y| {
            image::Rgb([(x % 16) as u8 * 7, (y % 16) as u8 * 9, 3])
        });
        let palette = Palette::of(&image);
        assert_eq!(palette.colours.len(), 256);
        for (p, i) in image.pixels().zip(palette.indices(&image)) {
            assert_eq!(palette.colours[usize::from(i)], p.0);
        }
    }

    #[test]
    fn many_colours_come_close() {
        let image = RgbImage::from_fn(256, 256, |x, y| {
            image::Rgb([x as u8, y as u8, (x + y) as u8 / 2])
        });
        let palette = Palette::of(&image);
        assert!(palette.colours.len() <= 256);
        let error: f64 = image
            .pixels()
            .zip(palette.indices(&image))
            .map(|(p, i)| {
                let c = palette.colours[usize::from(i)];
                (0..3)
                    .map(|k| f64::from(p.0[k].abs_diff(c[k])))
                    .sum::<f64>()
                    / 3.0
            })
            .sum::<f64>()
            / 65536.0;
        assert!(error < 8.0, "{error}");
    }
}
