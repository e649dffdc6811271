//! Lossless JPEG transcoding: quantised coefficients are read and written again, never turned into pixels.
//! What `jpegtran` and `jpegoptim` do by default.

use mozjpeg_sys as ffi;

use super::{Compressor, Decompressor, Destination, error_manager};
use crate::error::EncodeError;
use credlink_image_files::containers::jpeg::segments;
use credlink_image_files::decode::{check_size, check_structure};
use credlink_image_files::{Format, caught};

/// How the coefficients are written again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Progressive rather than baseline scans.
    pub progressive: bool,
    /// Huffman tables fitted to the image; progressive files always have them.
    pub optimised: bool,
}

/// Writes the same coefficients and quantisation tables again. The result carries no metadata but JFIF and Adobe
/// headers.
///
/// # Errors
/// When libjpeg cannot read the file (its own words), arithmetic coding included.
pub fn transcode(file: &[u8], settings: Settings) -> Result<Vec<u8>, EncodeError> {
    // Each scan costs a pass over all blocks, and a few bytes make one.
    let checked = check_structure(Format::Jpeg, file).map_err(|error| error.to_string());
    // Where libjpeg unwinds, the guards below free what it holds.
    let transcoded = checked.and_then(|()| caught(|| unwinding_transcode(file, settings)));
    transcoded.map_err(|reason| EncodeError::Codec {
        format: Format::Jpeg,
        reason,
    })
}

fn unwinding_transcode(file: &[u8], settings: Settings) -> Vec<u8> {
    // Declared first, so dropped last: both structures point to them.
    let mut errors = error_manager();
    let mut output = Destination::new();
    let (mut source, mut target) = (Decompressor::new(&mut errors), Compressor::new(&mut errors));
    target.set_plain_profile();
    // SAFETY: the calls follow libjpeg's documented order for transcoding (libjpeg.txt, "Really raw data: DCT
    // coefficients"). `file` outlives `source`; the coefficient arrays belong to `source`, which lives until the
    // compressor has finished; `output` is declared before `target`, so it outlives it. Errors unwind through the guards.
    unsafe {
        ffi::jpeg_mem_src(
            &mut source.0,
            file.as_ptr(),
            file.len() as std::ffi::c_ulong,
        );
        ffi::jpeg_read_header(&mut source.0, 1);
        let (width, height) = (source.0.image_width, source.0.image_height);
        if let Err(error) = check_size((width, height), 3, file.len()) {
            std::panic::resume_unwind(Box::new(error.to_string()));
        }
        let coefficients = ffi::jpeg_read_coefficients(&mut source.0);
        ffi::jpeg_copy_critical_parameters(&source.0, &mut target.0);
        target.0.optimize_coding = ffi::boolean::from(settings.optimised);
        if settings.progressive {
            ffi::jpeg_simple_progression(&mut target.0);
        }
        target.0.dest = (&raw mut *output).cast();
        ffi::jpeg_write_coefficients(&mut target.0, coefficients);
        ffi::jpeg_finish_compress(&mut target.0);
        ffi::jpeg_finish_decompress(&mut source.0);
    }
    drop(target);
    output.file
}

/// A bare file with the application segments and comments of another one in their order, behind its own JFIF and Adobe
/// segments, which stand for those of the source (libjpeg-turbo transupp.c, jcopy_markers_execute).
#[must_use]
pub fn with_segments_of(bare: &[u8], source: &[u8]) -> Vec<u8> {
    const JFIF: u8 = 0xE0;
    const ADOBE: u8 = 0xEE;
    let own = segments(bare).take_while(|found| [JFIF, ADOBE].contains(&found.marker));
    let at = own.last().map_or(2, |found| found.whole.end);
    let mut file = bare[..at].to_vec();
    for found in segments(source) {
        let payload = &source[found.payload];
        let stands = (found.marker == JFIF && payload.starts_with(b"JFIF\0"))
            || (found.marker == ADOBE && payload.starts_with(b"Adobe"));
        if !stands && (matches!(found.marker, 0xE0..=0xEF) || found.marker == 0xFE) {
            file.extend_from_slice(&source[found.whole]);
        }
    }
    file.extend_from_slice(&bare[at..]);
    file
}
