//! What one file may cost. A header may promise anything, so what it promises is looked at before anything is allocated or
//! decoded; the numbers stand here and nowhere else.
//!
//! | limit | why |
//! |---|---|
//! | [`MAX_PIXELS`] | holds the largest phone photographs (108 megapixels) |
//! | [`MAX_SIDE`] | JPEG's own, and enough for stitched panoramas; a picture of one row and 119 million columns is an attack |
//! | [`MAX_BYTES`] | 120 megapixels of RGBA at 8 bits; at 16 bits half as many |
//! | [`SMALL`], [`PER_BYTE`] | photographs take a byte for at most ten pixels, a white page of 4K one for 400: up to 16 megapixels of four bytes everything is read, beyond only what has the bytes |
//! | [`MAX_SCANS`] | encoders write 10 scans, mozjpeg's search at most 64; each costs a pass over all blocks |
//! | [`MAX_ITEMS`], [`MAX_EXTENTS`] | a grid of 256 tiles with previews and metadata has 300 items |

/// The most pixels that an image may have.
pub const MAX_PIXELS: u64 = 120_000_000;

/// The longest side, pixels.
pub const MAX_SIDE: u32 = 65_535;

/// The most pixels that resizing may make on its way: a column of one pixel that is to fill a banner becomes 3000 x 65,535 of
/// them before it is cut, as in the services themselves.
pub const MAX_RESIZED: u64 = 200_000_000;

/// The most bytes that decoded pixels may take.
pub const MAX_BYTES: u64 = 480_000_000;

/// Pixels that any file may have, however small.
pub const SMALL: u64 = 16_800_000;

/// Pixels beyond that for each byte of the file.
pub const PER_BYTE: u64 = 16;

/// Scans of a JPEG file.
pub const MAX_SCANS: usize = 128;

/// Items, references and property associations of an AVIF file, each.
pub const MAX_ITEMS: usize = 4096;

/// Extents of all items together.
pub const MAX_EXTENTS: usize = 65_536;
