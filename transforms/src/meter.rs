//! Where the time of an op goes. The clock is handed in, so that nothing here reads the system.

use std::cell::Cell;

use credlink_image_files::decode::decode;
use credlink_image_files::{DecodeError, Frame, ImageFile};

/// A clock: nanoseconds since an arbitrary origin, never running backwards within a thread.
pub type Clock<'a> = &'a dyn Fn() -> u64;

/// Sums the time spent inside codecs and inside the resampler during one op.
pub struct Meter<'a> {
    clock: Clock<'a>,
    codec: Cell<u64>,
    resize: Cell<u64>,
}

impl<'a> Meter<'a> {
    /// A meter at zero that reads `clock`.
    #[must_use]
    pub fn new(clock: Clock<'a>) -> Self {
        Self {
            clock,
            codec: Cell::new(0),
            resize: Cell::new(0),
        }
    }

    /// Runs `work`, adding its time to the codecs' sum.
    pub fn codec<T>(&self, work: impl FnOnce() -> T) -> T {
        timed(self.clock, &self.codec, work)
    }

    /// Pixels and metadata of a file; where this decodes them, the time goes to the codecs' sum.
    ///
    /// # Errors
    /// As [`ImageFile::frame`].
    pub fn frame<'f>(&self, file: &'f ImageFile) -> Result<&'f Frame, DecodeError> {
        file.frame_by(|bytes| self.codec(|| decode(bytes)))
    }

    /// Runs `work`, adding its time to the resampler's sum.
    pub fn resize<T>(&self, work: impl FnOnce() -> T) -> T {
        timed(self.clock, &self.resize, work)
    }

    /// Nanoseconds spent in encoders, decoders and lossless transcoders so far.
    #[must_use]
    pub fn codec_nanos(&self) -> u64 {
        self.codec.get()
    }

    /// Nanoseconds spent in the resampler so far.
    #[must_use]
    pub fn resize_nanos(&self) -> u64 {
        self.resize.get()
    }
}

fn timed<T>(clock: Clock<'_>, sum: &Cell<u64>, work: impl FnOnce() -> T) -> T {
    let start = clock();
    let result = work();
    sum.set(sum.get() + clock().saturating_sub(start));
    result
}
