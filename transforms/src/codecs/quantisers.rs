//! How coarsely a lossy file was quantised, read from its coded data: what the qualities of encoders come down to.

use credlink_image_files::Format;
use credlink_image_files::containers::{av1_stream, png, webp};

/// Bits from the most significant on; reading behind the end gives `None`.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn read(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(value)
    }

    fn flag(&mut self) -> Option<bool> {
        Some(self.read(1)? == 1)
    }
}

/// The index of the AC quantiser of luma that a lossy WebP (0 to 127) or an AVIF (0 to 255) was coded with; `None` for other
/// files, lossless ones, and headers that say more than still pictures do.
#[must_use]
pub fn quantiser(format: Format, file: &[u8]) -> Option<u8> {
    match format {
        Format::WebP => {
            let lossy = webp::chunks(file).find(|chunk| &chunk.kind == b"VP8 ")?;
            vp8(&file[lossy.data])
        }
        Format::Avif => av1(&av1_stream(file)?),
        _ => None,
    }
}

/// Entries in the palette of a PNG.
#[must_use]
pub fn palette_size(file: &[u8]) -> Option<usize> {
    let mut chunks = png::chunks(file);
    let palette = chunks.find(|chunk| &chunk.kind == b"PLTE")?;
    Some(palette.data.len() / 3)
}

/// `y_ac_qi` of a key frame (RFC 6386, 9.2 to 9.6), the mean over segments where they have their own.
fn vp8(frame: &[u8]) -> Option<u8> {
    let mut bits = Arithmetic::new(frame.get(10..)?)?;
    let (_colour_space, _clamping) = (bits.literal(1), bits.literal(1));
    let (mut segments, mut absolute) = ([0_i32; 4], false);
    if bits.literal(1) == 1 {
        let (map, data) = (bits.literal(1) == 1, bits.literal(1) == 1);
        if data {
            absolute = bits.literal(1) == 1;
            segments = std::array::from_fn(|_| bits.signed(7));
            for _ in 0..4 {
                bits.signed(6);
            }
        }
        if map {
            for _ in 0..3 {
                if bits.literal(1) == 1 {
                    bits.literal(8);
                }
            }
        }
    }
    let (_filter, _level, _sharpness) = (bits.literal(1), bits.literal(6), bits.literal(3));
    if bits.literal(1) == 1 && bits.literal(1) == 1 {
        for _ in 0..8 {
            bits.signed(6);
        }
    }
    let _partitions = bits.literal(2);
    let base = bits.literal(7) as i32;
    let own = segments.map(|own| if absolute { own } else { base + own });
    let mean = own.iter().sum::<i32>() / 4;
    let chosen = if segments == [0; 4] { base } else { mean };
    u8::try_from(chosen.clamp(0, 127)).ok()
}

/// VP8's boolean decoder at even odds (RFC 6386, 7.3).
struct Arithmetic<'a> {
    bytes: &'a [u8],
    at: usize,
    value: u32,
    range: u32,
    count: u32,
}

impl<'a> Arithmetic<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let [first, second, ..] = bytes else {
            return None;
        };
        Some(Self {
            bytes,
            at: 2,
            value: u32::from(*first) << 8 | u32::from(*second),
            range: 255,
            count: 0,
        })
    }

    fn bit(&mut self) -> u32 {
        let split = 1 + (((self.range - 1) * 128) >> 8);
        let bit = if self.value >= split << 8 {
            self.range -= split;
            self.value -= split << 8;
            1
        } else {
            self.range = split;
            0
        };
        while self.range < 128 {
            self.value <<= 1;
            self.range <<= 1;
            self.count += 1;
            if self.count == 8 {
                self.count = 0;
                // Behind the end the decoder reads zeroes.
                self.value |= u32::from(self.bytes.get(self.at).copied().unwrap_or(0));
                self.at += 1;
            }
        }
        bit
    }

    fn literal(&mut self, bits: u32) -> u32 {
        (0..bits).fold(0, |value, _| value << 1 | self.bit())
    }

    /// A flag, and if it is set a magnitude of so many bits and a sign.
    fn signed(&mut self, bits: u32) -> i32 {
        if self.bit() == 0 {
            return 0;
        }
        let magnitude = self.literal(bits) as i32;
        if self.bit() == 1 {
            -magnitude
        } else {
            magnitude
        }
    }
}

/// What a sequence header says that a frame header depends on (AV1 bitstream specification, 5.5).
struct Sequence {
    reduced: bool,
    /// Bits of width and height, and their largest values.
    size_bits: (usize, usize),
    size: (u32, u32),
    frame_ids: Option<usize>,
    large_blocks: bool,
    /// 2 where each frame says.
    screen_content: u32,
    integer_mv: u32,
    order_hint_bits: usize,
    superres: bool,
}

/// `base_q_idx` of the first frame, which must be a key frame that is shown (AV1 bitstream specification, 5.9).
fn av1(stream: &[u8]) -> Option<u8> {
    let mut rest = stream;
    let mut sequence = None;
    while let Some((&head, behind)) = rest.split_first() {
        let (kind, extended, sized) = (head >> 3 & 15, head & 4 != 0, head & 2 != 0);
        let behind = behind.get(usize::from(extended)..)?;
        let (payload, next) = if sized {
            let (length, used) = leb128(behind)?;
            let behind = behind.get(used..)?;
            (behind.get(..length)?, behind.get(length..)?)
        } else {
            (behind, &[][..])
        };
        match kind {
            1 => sequence = Some(sequence_header(&mut Bits::new(payload))?),
            3 | 6 => return frame_header(&mut Bits::new(payload), sequence.as_ref()?),
            _ => {}
        }
        rest = next;
    }
    None
}

fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 127) << (7 * index);
        if byte & 128 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

fn sequence_header(bits: &mut Bits<'_>) -> Option<Sequence> {
    // Profile, and whether it is a still picture.
    bits.read(4)?;
    let reduced = bits.flag()?;
    if reduced {
        bits.read(5)?;
    } else {
        // Timing is for video.
        if bits.flag()? {
            return None;
        }
        let delay = bits.flag()?;
        for _ in 0..=bits.read(5)? {
            bits.read(12)?;
            if bits.read(5)? > 7 {
                bits.read(1)?;
            }
            if delay && bits.flag()? {
                bits.read(4)?;
            }
        }
    }
    let size_bits = (bits.read(4)? as usize + 1, bits.read(4)? as usize + 1);
    let size = (bits.read(size_bits.0)? + 1, bits.read(size_bits.1)? + 1);
    let mut frame_ids = None;
    if !reduced && bits.flag()? {
        let delta = bits.read(4)? + 2;
        frame_ids = Some((delta + bits.read(3)? + 1) as usize);
    }
    let large_blocks = bits.flag()?;
    bits.read(2)?;
    let (mut screen_content, mut integer_mv, mut order_hint_bits) = (2, 2, 0);
    if !reduced {
        bits.read(4)?;
        let order_hint = bits.flag()?;
        if order_hint {
            bits.read(2)?;
        }
        if !bits.flag()? {
            screen_content = bits.read(1)?;
        }
        if screen_content > 0 && !bits.flag()? {
            integer_mv = bits.read(1)?;
        }
        if order_hint {
            order_hint_bits = bits.read(3)? as usize + 1;
        }
    }
    // What follows, filters and colours, decides nothing that is asked for here.
    let superres = bits.flag()?;
    Some(Sequence {
        reduced,
        size_bits,
        size,
        frame_ids,
        large_blocks,
        screen_content,
        integer_mv,
        order_hint_bits,
        superres,
    })
}

fn frame_header(bits: &mut Bits<'_>, sequence: &Sequence) -> Option<u8> {
    if !sequence.reduced {
        let (existing, kind, shown) = (bits.flag()?, bits.read(2)?, bits.flag()?);
        if existing || kind != 0 || !shown {
            return None;
        }
    }
    let no_cdf_update = bits.flag()?;
    let screen_content = match sequence.screen_content {
        2 => bits.flag()?,
        fixed => fixed == 1,
    };
    if screen_content && sequence.integer_mv == 2 {
        bits.read(1)?;
    }
    if let Some(length) = sequence.frame_ids {
        bits.read(length)?;
    }
    let own_size = !sequence.reduced && bits.flag()?;
    bits.read(sequence.order_hint_bits)?;
    let mut size = sequence.size;
    if own_size {
        let (width, height) = sequence.size_bits;
        size = (bits.read(width)? + 1, bits.read(height)? + 1);
    }
    if sequence.superres && bits.flag()? {
        return None;
    }
    if bits.flag()? {
        bits.read(32)?;
    }
    if screen_content {
        bits.read(1)?;
    }
    if !sequence.reduced && !no_cdf_update {
        bits.read(1)?;
    }
    let (columns, rows) = tiles(bits, size, sequence.large_blocks)?;
    if columns + rows > 0 {
        bits.read(columns + rows + 2)?;
    }
    u8::try_from(bits.read(8)?).ok()
}

/// The base-two logarithms of the numbers of tiles (5.9.15); `None` where they are not spaced evenly.
fn tiles(bits: &mut Bits<'_>, (width, height): (u32, u32), large: bool) -> Option<(usize, usize)> {
    let side = if large { 128 } else { 64 };
    let (columns, rows) = (width.div_ceil(side), height.div_ceil(side));
    // Limits of a tile: 4,096 pixels across, 4,096 x 2,304 pixels in all.
    let (widest, largest) = (4096 / side, 4096 * 2304 / (side * side));
    let log2 =
        |parts: u32, whole: u32| (0..).find(|bits| parts << bits >= whole).unwrap_or(0_usize);
    let least_columns = log2(widest, columns);
    let most_columns = log2(1, columns.min(64));
    let least = log2(largest, columns * rows).max(least_columns);
    if !bits.flag()? {
        return None;
    }
    let mut across = least_columns;
    while across < most_columns && bits.flag()? {
        across += 1;
    }
    let mut down = least.saturating_sub(across);
    let most_rows = log2(1, rows.min(64));
    while down < most_rows && bits.flag()? {
        down += 1;
    }
    Some((across, down))
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, Rgb, RgbImage};

    use super::*;
    use crate::codecs::{avif, png as png_codec, webp as webp_codec};

    fn picture(width: u32, height: u32) -> DynamicImage {
        let pixel = |x: u32, y: u32| Rgb([(x * 3) as u8, (y * 5) as u8, (x ^ y) as u8]);
        RgbImage::from_fn(width, height, pixel).into()
    }

    #[test]
    fn a_better_quality_is_a_lower_index_in_every_size() {
        for (width, height) in [(40, 30), (257, 131), (700, 520)] {
            let picture = picture(width, height);
            let of_webp = |quality| {
                let settings = webp_codec::Settings {
                    quality,
                    method: 4,
                    lossless: false,
                };
                let file = webp_codec::encode(&picture, settings).unwrap();
                quantiser(Format::WebP, &file).unwrap()
            };
            assert!(of_webp(95) < of_webp(75) && of_webp(75) < of_webp(30));
            let of_avif = |quality| {
                let file = avif::encode(&picture, quality, 10).unwrap();
                quantiser(Format::Avif, &file).unwrap()
            };
            assert!(of_avif(90) < of_avif(60) && of_avif(60) < of_avif(30));
        }
    }

    #[test]
    fn palettes_are_counted_and_other_files_have_neither() {
        let picture = picture(60, 60);
        let file = png_codec::encode_palette(&picture, 16, 0.0, None).unwrap();
        assert_eq!(palette_size(&file), Some(16));
        let file = png_codec::encode(&picture).unwrap();
        assert_eq!(
            (palette_size(&file), quantiser(Format::Png, &file)),
            (None, None)
        );
        assert_eq!(quantiser(Format::WebP, b"RIFF\x04\0\0\0WEBP"), None);
        for cut in 0..40 {
            let file = avif::encode(&picture, 60, 10).unwrap();
            let _ = quantiser(Format::Avif, &file[..file.len() * cut / 40]);
        }
    }
}
