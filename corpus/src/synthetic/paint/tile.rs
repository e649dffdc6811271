//! Seamless textures with a mip chain, made once for an image and sampled wherever a surface needs one.

use super::exact::cos_sin;
use crate::draws::Draws;

/// A square texture that repeats without a seam. Values have mean 0 and standard deviation 0.33.
pub(crate) struct Tile {
    side: usize,
    /// Level k has side `side >> k`; the last level has side 4.
    levels: Vec<Vec<f32>>,
}

/// Texel coordinates of the first pixel of a row, and the step from one pixel to the next.
#[derive(Clone, Copy)]
pub(crate) struct Walk {
    pub(crate) u: f32,
    pub(crate) v: f32,
    pub(crate) du: f32,
    pub(crate) dv: f32,
    /// Texels between this row and the next, where that is more than along the row; else 0.
    pub(crate) down: f32,
}

impl Tile {
    /// Noise with equal weight in each octave times `rough` per octave towards the fine: 1.0 gives the
    /// 1/f amplitude spectrum of natural images, less is smoother.
    pub(crate) fn fractal(draws: &mut Draws, side: usize, rough: f32) -> Tile {
        let mut size = 4;
        let mut field = vec![0.0f32; 16];
        let mut amplitude = 1.0;
        let mut noise = Vec::new();
        loop {
            noise.resize(size * size, 0);
            draws.bytes(&mut noise);
            for (f, &n) in field.iter_mut().zip(&noise) {
                *f += amplitude * (f32::from(n) - 127.5);
            }
            if size >= side {
                break;
            }
            field = doubled(&field, size);
            size *= 2;
            amplitude *= rough;
        }
        Tile::from_field(field, size)
    }

    /// Creases: the fractal folded at zero, as in rock, bark and ripples.
    pub(crate) fn ridged(draws: &mut Draws, side: usize, rough: f32) -> Tile {
        let base = Tile::fractal(draws, side, rough * 0.75);
        let fine = Tile::fractal(draws, side, rough);
        let field = base.levels[0]
            .iter()
            .zip(&fine.levels[0])
            .map(|(b, f)| 0.4 * f - b.abs())
            .collect();
        Tile::from_field(field, side)
    }

    /// Pebbles or leaves: rounded cells about `side / across` texels wide, dark between them, each with its
    /// own tone. `across` must divide `side`.
    pub(crate) fn cells(draws: &mut Draws, side: usize, across: usize) -> Tile {
        let mut seeds = Vec::with_capacity(across * across);
        for _ in 0..across * across {
            seeds.push((
                draws.between(0.1, 0.9),
                draws.between(0.1, 0.9),
                draws.signed(),
            ));
        }
        let fine = Tile::fractal(draws, side, 0.9);
        let scale = across as f32 / side as f32;
        let mut field = Vec::with_capacity(side * side);
        for y in 0..side {
            let fy = y as f32 * scale;
            for x in 0..side {
                let fx = x as f32 * scale;
                let (cx, cy) = (fx as usize, fy as usize);
                let (mut first, mut second, mut tone, mut lit) = (9.0f32, 9.0f32, 0.0, 0.0);
                for j in 0..3 {
                    for i in 0..3 {
                        let sx = (cx + across + i - 1) % across;
                        let sy = (cy + across + j - 1) % across;
                        let (px, py, t) = seeds[sy * across + sx];
                        let dx = cx as f32 + i as f32 - 1.0 + px - fx;
                        let dy = cy as f32 + j as f32 - 1.0 + py - fy;
                        let d = dx * dx + dy * dy;
                        if d < first {
                            (second, first, tone, lit) = (first, d, t, dx + dy);
                        } else if d < second {
                            second = d;
                        }
                    }
                }
                let gap = (second.sqrt() - first.sqrt()).min(0.35) / 0.35;
                field
                    .push(1.6 * gap.sqrt() + 0.8 * tone + 0.7 * lit + fine.levels[0][y * side + x]);
            }
        }
        Tile::from_field(field, side)
    }

    /// Blades or hairs: short strokes about a direction (in turns) that differ by up to `spread`.
    pub(crate) fn fibres(
        draws: &mut Draws,
        side: usize,
        direction: f32,
        spread: f32,
        length: usize,
    ) -> Tile {
        let base = Tile::fractal(draws, side, 0.8);
        let mut field: Vec<f32> = base.levels[0].iter().map(|v| v - 0.8).collect();
        let mask = side - 1;
        let strokes = side * side * 3 / (2 * length);
        for n in 0..strokes {
            let (dx, dy) = cos_sin(direction + spread * draws.signed());
            let bend = 0.02 * draws.signed();
            let (mut x, mut y) = (draws.unit() * side as f32, draws.unit() * side as f32);
            // Later strokes lie on top and catch more light.
            let tone = 0.9 * draws.signed() + 0.9 * n as f32 / strokes as f32;
            let steps = length / 2 + draws.below(length);
            let (mut ddx, mut ddy) = (dx, dy);
            for k in 0..steps {
                let shade = tone * (0.4 + 0.6 * k as f32 / steps as f32);
                let at = (y as usize & mask) * side + (x as usize & mask);
                field[at] = 0.3 * field[at] + 0.7 * shade;
                let beside = (y as usize & mask) * side + ((x as usize + 1) & mask);
                field[beside] = 0.6 * field[beside] + 0.4 * (shade - 0.3);
                (ddx, ddy) = (ddx - bend * ddy, ddy + bend * ddx);
                x += ddx + side as f32;
                y += ddy + side as f32;
                x -= (x / side as f32).floor() * side as f32;
                y -= (y / side as f32).floor() * side as f32;
            }
        }
        Tile::from_field(field, side)
    }

    /// Rows of blocks with joints between them (brick, paving, tiles); `across` blocks, `down` rows.
    pub(crate) fn blocks(
        draws: &mut Draws,
        side: usize,
        across: usize,
        down: usize,
        joint: f32,
    ) -> Tile {
        let fine = Tile::fractal(draws, side, 0.95);
        let tones: Vec<f32> = (0..across * down).map(|_| draws.signed()).collect();
        let (bw, bh) = (side as f32 / across as f32, side as f32 / down as f32);
        let mut field = Vec::with_capacity(side * side);
        for y in 0..side {
            let row = (y as f32 / bh) as usize % down;
            let in_y = y as f32 - row as f32 * bh;
            for x in 0..side {
                let fx = (x as f32 + if row % 2 == 1 { 0.5 * bw } else { 0.0 }) / bw;
                let column = fx as usize % across;
                let in_x = (fx - fx.floor()) * bw;
                let wobble = 2.0 * fine.levels[0][x * side + y].abs();
                let edge = in_x.min(bw - in_x).min(in_y).min(bh - in_y) + wobble;
                let face = ((edge - joint) * 0.6).clamp(0.0, 1.0);
                let tone = tones[row * across + column];
                field.push(face * (1.5 + 0.6 * tone) + 0.8 * fine.levels[0][y * side + x]);
            }
        }
        Tile::from_field(field, side)
    }

    fn from_field(mut field: Vec<f32>, side: usize) -> Tile {
        let n = field.len() as f32;
        // Sums by rows keep the error of single precision small and the order fixed.
        let mean = field
            .chunks(side)
            .map(|r| r.iter().sum::<f32>())
            .sum::<f32>()
            / n;
        let variance = field
            .chunks(side)
            .map(|r| r.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>())
            .sum::<f32>()
            / n;
        let scale = 0.33 / variance.sqrt().max(1e-9);
        for v in &mut field {
            *v = (*v - mean) * scale;
        }
        let mut levels = vec![field];
        let mut size = side;
        while size > 4 {
            let fine = &levels[levels.len() - 1];
            let half = size / 2;
            let mut coarse = Vec::with_capacity(half * half);
            for y in 0..half {
                let (a, b) = (
                    &fine[2 * y * size..][..size],
                    &fine[(2 * y + 1) * size..][..size],
                );
                coarse.extend(
                    (0..half).map(|x| 0.25 * (a[2 * x] + a[2 * x + 1] + b[2 * x] + b[2 * x + 1])),
                );
            }
            levels.push(coarse);
            size = half;
        }
        Tile { side, levels }
    }

    /// Texels along one edge of the finest level.
    pub(crate) fn side(&self) -> f32 {
        self.side as f32
    }

    /// Samples a row of pixels with bilinear interpolation, from the mip level that fits the step so that a
    /// distant surface turns smooth instead of sparkling.
    pub(crate) fn row(&self, walk: Walk, out: &mut [f32]) {
        let along = walk.du.abs().max(walk.dv.abs());
        // A surface seen at a glancing angle needs a level between its two steps: the fine one would sparkle,
        // the coarse one smear.
        let mut step = along.max((along * walk.down).sqrt());
        let mut level = 0;
        while step > 1.4 && level + 1 < self.levels.len() {
            step *= 0.5;
            level += 1;
        }
        let side = self.side >> level;
        let mask = side - 1;
        let texels = &self.levels[level][..side * side];
        // 2⁻ᵏ by exact halving, then 16.16 fixed point: steps add up without drift.
        let scale = 65536.0 / (1usize << level) as f32;
        let period = (side as f32) * 65536.0;
        let fixed = |t: f32| (t - (t / period).floor() * period) as u32;
        let (mut u, mut v) = (fixed(walk.u * scale), fixed(walk.v * scale));
        let (du, dv) = ((walk.du * scale) as i32, (walk.dv * scale) as i32);
        for o in out {
            let x = (u >> 16) as usize & mask;
            let y = (v >> 16) as usize & mask;
            let fx = (u & 0xFFFF) as f32 * (1.0 / 65536.0);
            let fy = (v & 0xFFFF) as f32 * (1.0 / 65536.0);
            let (top, below) = (y * side, ((y + 1) & mask) * side);
            let right = (x + 1) & mask;
            let a = texels[top + x] + (texels[top + right] - texels[top + x]) * fx;
            let b = texels[below + x] + (texels[below + right] - texels[below + x]) * fx;
            *o = a + (b - a) * fy;
            u = u.wrapping_add_signed(du);
            v = v.wrapping_add_signed(dv);
        }
    }
}

/// Twice the resolution by the quadratic B-spline (weights 3/4 and 1/4), with wrapping.
fn doubled(field: &[f32], size: usize) -> Vec<f32> {
    let mask = size - 1;
    let mut out = vec![0.0; 4 * size * size];
    let mut line = vec![0.0; size];
    for y in 0..2 * size {
        let near = y / 2;
        let far = if y % 2 == 0 {
            (near + mask) & mask
        } else {
            (near + 1) & mask
        };
        for ((l, a), b) in line
            .iter_mut()
            .zip(&field[near * size..])
            .zip(&field[far * size..])
        {
            *l = 0.75 * a + 0.25 * b;
        }
        let row = &mut out[y * 2 * size..(y + 1) * 2 * size];
        for (x, pair) in row.chunks_exact_mut(2).enumerate() {
            pair[0] = 0.75 * line[x] + 0.25 * line[(x + mask) & mask];
            pair[1] = 0.75 * line[x] + 0.25 * line[(x + 1) & mask];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_tile_has_mean_zero_and_the_stated_deviation() {
        let mut draws = Draws::new(1, 1);
        let tiles = [
            Tile::fractal(&mut draws, 128, 1.0),
            Tile::ridged(&mut draws, 128, 0.9),
            Tile::cells(&mut draws, 128, 16),
            Tile::fibres(&mut draws, 128, 0.25, 0.1, 20),
            Tile::blocks(&mut draws, 128, 4, 8, 1.0),
        ];
        for tile in &tiles {
            let level = &tile.levels[0];
            let mean = level.iter().sum::<f32>() / level.len() as f32;
            let deviation = (level.iter().map(|v| v * v).sum::<f32>() / level.len() as f32).sqrt();
            assert!(mean.abs() < 0.01 && (deviation - 0.33).abs() < 0.01);
        }
    }

    #[test]
    fn sampling_at_whole_texels_gives_the_texels_and_wraps() {
        let tile = Tile::fractal(&mut Draws::new(2, 1), 64, 1.0);
        let mut out = [0.0; 130];
        tile.row(
            Walk {
                u: -64.0,
                v: 70.0,
                du: 1.0,
                dv: 0.0,
                down: 0.0,
            },
            &mut out,
        );
        for (i, v) in out.iter().enumerate() {
            assert_eq!(*v, tile.levels[0][6 * 64 + i % 64]);
        }
    }

    #[test]
    fn a_long_step_reads_a_smooth_level() {
        let tile = Tile::fractal(&mut Draws::new(3, 1), 256, 1.0);
        let mut near = [0.0; 256];
        let mut far = [0.0; 256];
        tile.row(
            Walk {
                u: 0.0,
                v: 0.0,
                du: 1.0,
                dv: 0.0,
                down: 0.0,
            },
            &mut near,
        );
        tile.row(
            Walk {
                u: 0.0,
                v: 0.0,
                du: 40.0,
                dv: 0.0,
                down: 0.0,
            },
            &mut far,
        );
        let energy = |row: &[f32]| row.iter().map(|v| v * v).sum::<f32>();
        assert!(energy(&far) < 0.7 * energy(&near));
    }
}
