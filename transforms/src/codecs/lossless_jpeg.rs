//! Lossless JPEG transcoding: quantised coefficients are read and written again, never turned into pixels.
//! What `jpegtran` and `jpegoptim` do by default. The only file that calls libjpeg's C interface directly.
#![expect(
    unsafe_code,
    reason = "the coefficient interface of libjpeg exists only in C"
)]

use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use mozjpeg_sys as ffi;

use super::jpeg::panic_message;
use crate::error::EncodeError;
use credlink_image_files::Format;
use credlink_image_files::containers::jpeg::segments;
use credlink_image_files::decode::{check_size, check_structure};

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
    check_structure(Format::Jpeg, file).map_err(|error| EncodeError::Codec {
        format: Format::Jpeg,
        reason: error.to_string(),
    })?;
    // libjpeg reports fatal errors through `error_exit`, which unwinds to here; the guards below free what it holds.
    catch_unwind(AssertUnwindSafe(|| unwinding_transcode(file, settings))).map_err(|panic| {
        EncodeError::Codec {
            format: Format::Jpeg,
            reason: panic_message(&*panic),
        }
    })
}

/// A decompressor or compressor on the heap (libjpeg keeps pointers into it), destroyed when dropped.
struct Decompressor(Box<ffi::jpeg_decompress_struct>);
struct Compressor(Box<ffi::jpeg_compress_struct>);
/// Where the compressor writes: libjpeg's interface first, so that a pointer to it is a pointer to the whole.
#[repr(C)]
struct Destination {
    interface: ffi::jpeg_destination_mgr,
    chunk: [u8; 16 * 1024],
    file: Vec<u8>,
}

impl Destination {
    fn new() -> Box<Self> {
        let interface = ffi::jpeg_destination_mgr {
            next_output_byte: ptr::null_mut(),
            free_in_buffer: 0,
            init_destination: Some(start),
            empty_output_buffer: Some(full),
            term_destination: Some(end),
        };
        Box::new(Self {
            interface,
            chunk: [0; 16 * 1024],
            file: Vec::new(),
        })
    }

    fn offer_chunk(&mut self) {
        self.interface.next_output_byte = self.chunk.as_mut_ptr();
        self.interface.free_in_buffer = self.chunk.len();
    }
}

/// The destination that [`unwinding_transcode`] gave to this compressor.
///
/// # Safety
/// `dest` must point to a live [`Destination`], which is so for every compressor of this file between
/// `jpeg_write_coefficients` and the end of the transcoding.
unsafe fn destination(cinfo: &mut ffi::jpeg_compress_struct) -> &mut Destination {
    // SAFETY: by the contract above; the interface is the first field of a `repr(C)` structure.
    unsafe { &mut *cinfo.dest.cast::<Destination>() }
}

unsafe extern "C-unwind" fn start(cinfo: &mut ffi::jpeg_compress_struct) {
    // SAFETY: libjpeg calls this for the compressor that holds our destination.
    unsafe { destination(cinfo) }.offer_chunk();
}

unsafe extern "C-unwind" fn full(cinfo: &mut ffi::jpeg_compress_struct) -> ffi::boolean {
    // SAFETY: as above. The whole chunk is initialised, and libjpeg filled it.
    let destination = unsafe { destination(cinfo) };
    destination.file.extend_from_slice(&destination.chunk);
    destination.offer_chunk();
    1
}

unsafe extern "C-unwind" fn end(cinfo: &mut ffi::jpeg_compress_struct) {
    // SAFETY: as above.
    let destination = unsafe { destination(cinfo) };
    let used = destination.chunk.len() - destination.interface.free_in_buffer;
    destination
        .file
        .extend_from_slice(&destination.chunk[..used]);
}

impl Drop for Decompressor {
    fn drop(&mut self) {
        // SAFETY: the structure was initialised by `jpeg_CreateDecompress` and is destroyed once.
        unsafe { ffi::jpeg_destroy_decompress(&mut self.0) }
    }
}

impl Drop for Compressor {
    fn drop(&mut self) {
        // SAFETY: the structure was initialised by `jpeg_CreateCompress` and is destroyed once.
        unsafe { ffi::jpeg_destroy_compress(&mut self.0) }
    }
}

extern "C-unwind" fn silent(_: &mut ffi::jpeg_common_struct, _: std::ffi::c_int) {}

extern "C-unwind" fn unwind(cinfo: &mut ffi::jpeg_common_struct) {
    let mut words = [0_u8; 200];
    // SAFETY: libjpeg sets `err` and its message formatter before it can raise an error. The formatter writes at most
    // JMSG_LENGTH_MAX (200) bytes, the size of `words`; the binding's parameter type is narrower than libjpeg's own
    // (`char *`), which the cast restores.
    unsafe {
        if let Some(format) = (*cinfo.err).format_message {
            type Formatter = unsafe extern "C-unwind" fn(&mut ffi::jpeg_common_struct, *mut u8);
            let format = std::mem::transmute::<*const (), Formatter>(format as *const ());
            format(cinfo, words.as_mut_ptr());
        }
    }
    let text = words.split(|byte| *byte == 0).next().unwrap_or_default();
    let text = format!("libjpeg: {}", String::from_utf8_lossy(text));
    std::panic::resume_unwind(Box::new(text));
}

fn error_manager() -> Box<ffi::jpeg_error_mgr> {
    // SAFETY: the C structure is plain data for which all zeroes is a valid value; `jpeg_std_error` then fills it.
    let mut manager: Box<ffi::jpeg_error_mgr> =
        Box::new(unsafe { MaybeUninit::zeroed().assume_init() });
    // SAFETY: the pointer is valid for writes.
    unsafe { ffi::jpeg_std_error(&mut manager) };
    manager.error_exit = Some(unwind);
    manager.emit_message = Some(silent);
    manager
}

fn unwinding_transcode(file: &[u8], settings: Settings) -> Vec<u8> {
    // Declared first, so dropped last: both structures point to them.
    let mut errors = error_manager();
    let mut output = Destination::new();
    // SAFETY: both C structures are plain data for which all zeroes is valid; the create calls initialise them, given
    // an error manager that outlives them. Each is wrapped in its guard only once it was created.
    let mut source = unsafe {
        let mut raw: Box<ffi::jpeg_decompress_struct> =
            Box::new(MaybeUninit::zeroed().assume_init());
        raw.common.err = &raw mut *errors;
        ffi::jpeg_create_decompress(&mut *raw);
        Decompressor(raw)
    };
    // SAFETY: as above.
    let mut target = unsafe {
        let mut raw: Box<ffi::jpeg_compress_struct> = Box::new(MaybeUninit::zeroed().assume_init());
        raw.common.err = &raw mut *errors;
        ffi::jpeg_create_compress(&mut *raw);
        Compressor(raw)
    };
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
        // libjpeg-turbo's defaults: no trellis or scan search may touch coefficients or time.
        let profile = ffi::JINT_COMPRESS_PROFILE_VALUE::JCP_FASTEST as std::ffi::c_int;
        ffi::jpeg_c_set_int_param(
            &mut target.0,
            ffi::J_INT_PARAM::JINT_COMPRESS_PROFILE,
            profile,
        );
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
