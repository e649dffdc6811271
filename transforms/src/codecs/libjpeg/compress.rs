//! Compression with quantisation tables of any values, which the safe wrapper has no way to set.

use mozjpeg_sys as ffi;

use super::{Compressor, Destination, error_manager};
use crate::codecs::chroma::Chroma;

/// What is written, and how.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// Interleaved samples row by row: one a pixel if `is_grey`, else red, green and blue.
    pub samples: &'a [u8],
    /// Width and height in pixels.
    pub size: (u16, u16),
    /// Whether there is one component.
    pub is_grey: bool,
    /// Divisors of luma and chroma, row by row, 1 to 32,767; 16 bits are written where one exceeds 255.
    pub tables: &'a [[u16; 64]; 2],
    /// Colour subsampling.
    pub chroma: Chroma,
    /// Progressive rather than baseline scans, by libjpeg's script.
    pub progressive: bool,
    /// Huffman tables fitted to the image.
    pub optimised: bool,
}

/// The file, with a JFIF header and no other metadata. Unwinds where libjpeg gives up, with its words as a `String`.
///
/// # Panics
/// As said, and where there are fewer samples than pixels.
#[must_use]
pub fn compress(job: Job<'_>) -> Vec<u8> {
    let (width, height) = (usize::from(job.size.0), usize::from(job.size.1));
    let stride = width * if job.is_grey { 1 } else { 3 };
    assert!(job.samples.len() >= stride * height, "too few samples");
    // Declared first, so dropped last: the compressor points to them.
    let mut errors = error_manager();
    let mut output = Destination::new();
    let mut target = Compressor::new(&mut errors);
    target.set_plain_profile();
    let own = &mut target.0;
    own.image_width = u32::from(job.size.0);
    own.image_height = u32::from(job.size.1);
    (own.input_components, own.in_color_space) = if job.is_grey {
        (1, ffi::J_COLOR_SPACE::JCS_GRAYSCALE)
    } else {
        (3, ffi::J_COLOR_SPACE::JCS_RGB)
    };
    own.dest = (&raw mut *output).cast();
    // SAFETY: the calls follow libjpeg's documented order for compression (libjpeg.txt, "Compression details"). `errors` and
    // `output` outlive `target`. A table has the 64 entries that are read, `comp_info` points to `num_components` entries
    // once the defaults are set, and a row holds `stride` samples, which was checked above. Errors unwind through the guards.
    unsafe {
        ffi::jpeg_set_defaults(own);
        for (index, table) in job.tables.iter().enumerate() {
            let table = table.map(u32::from);
            ffi::jpeg_add_quant_table(own, index as std::ffi::c_int, table.as_ptr(), 100, 0);
        }
        if !job.is_grey {
            let (across, down) = match job.chroma {
                Chroma::Full => (1, 1),
                Chroma::HalfWidth => (2, 1),
                Chroma::HalfHeight => (1, 2),
                Chroma::Quarter => (2, 2),
            };
            let luma = &mut *own.comp_info;
            (luma.h_samp_factor, luma.v_samp_factor) = (across, down);
        }
        own.optimize_coding = ffi::boolean::from(job.optimised);
        if job.progressive {
            ffi::jpeg_simple_progression(own);
        }
        ffi::jpeg_start_compress(own, 1);
        for row in job.samples.chunks_exact(stride).take(height) {
            let rows = [row.as_ptr()];
            ffi::jpeg_write_scanlines(own, rows.as_ptr(), 1);
        }
        ffi::jpeg_finish_compress(own);
    }
    drop(target);
    output.file
}
