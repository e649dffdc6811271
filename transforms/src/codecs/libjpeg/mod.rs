//! libjpeg's C interface, for what its safe wrapper does not offer. The only room in which code is unsafe.
//!
//! What both ways of using it share stands here: structures that are destroyed once, errors that unwind, and a destination
//! that collects the file.
#![expect(unsafe_code, reason = "libjpeg is a C library")]

pub mod compress;
pub mod transcode;

use std::mem::MaybeUninit;
use std::ptr;

use mozjpeg_sys as ffi;

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

/// The destination that a compressor of this room was given.
///
/// # Safety
/// `dest` must point to a live [`Destination`], which is so for every compressor of this room from when it starts to write
/// to when it has finished.
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

impl Decompressor {
    /// Created, with this error manager, which must outlive it.
    fn new(errors: &mut ffi::jpeg_error_mgr) -> Self {
        // SAFETY: the C structure is plain data for which all zeroes is valid; the create call initialises it. It is wrapped
        // in its guard only once it was created.
        unsafe {
            let mut raw: Box<ffi::jpeg_decompress_struct> =
                Box::new(MaybeUninit::zeroed().assume_init());
            raw.common.err = &raw mut *errors;
            ffi::jpeg_create_decompress(&mut *raw);
            Self(raw)
        }
    }
}

impl Compressor {
    /// Created, with this error manager, which must outlive it.
    fn new(errors: &mut ffi::jpeg_error_mgr) -> Self {
        // SAFETY: as above.
        unsafe {
            let mut raw: Box<ffi::jpeg_compress_struct> =
                Box::new(MaybeUninit::zeroed().assume_init());
            raw.common.err = &raw mut *errors;
            ffi::jpeg_create_compress(&mut *raw);
            Self(raw)
        }
    }

    /// libjpeg-turbo's defaults: no trellis, no search of scans, Annex K's tables.
    fn set_plain_profile(&mut self) {
        let profile = ffi::JINT_COMPRESS_PROFILE_VALUE::JCP_FASTEST as std::ffi::c_int;
        // SAFETY: the structure is live, and this only sets a number in it.
        unsafe {
            ffi::jpeg_c_set_int_param(
                &mut self.0,
                ffi::J_INT_PARAM::JINT_COMPRESS_PROFILE,
                profile,
            );
        }
    }
}
