//! The steps that recipes are made of. [`steps!`] below is the one list: a new step is one file in `steps/` and one
//! line here.

use std::sync::Arc;

use serde::Deserialize;

use crate::error::{DecodeError, StepErrorKind};
use crate::file::{Frame, ImageFile};
use crate::format::Format;
use crate::meter::Meter;
use crate::steps;

/// An image on its way through a recipe: the file as last encoded, and pixels changed since.
pub struct Work<'a> {
    /// The file that entered the recipe.
    input: Arc<ImageFile>,
    /// The file as last encoded.
    file: Arc<ImageFile>,
    /// Pixels or metadata changed since; `None` while `file` says it all.
    changed: Option<Frame>,
    meter: &'a Meter<'a>,
}

impl<'a> Work<'a> {
    pub(crate) fn new(input: Arc<ImageFile>, meter: &'a Meter<'a>) -> Self {
        Self {
            file: Arc::clone(&input),
            input,
            changed: None,
            meter,
        }
    }

    /// The file that entered the recipe.
    pub(crate) fn input(&self) -> &Arc<ImageFile> {
        &self.input
    }

    /// The file as last encoded.
    pub(crate) fn file(&self) -> &Arc<ImageFile> {
        &self.file
    }

    pub(crate) fn meter(&self) -> &'a Meter<'a> {
        self.meter
    }

    /// The current pixels and metadata, to read.
    pub(crate) fn frame(&self) -> Result<&Frame, DecodeError> {
        match &self.changed {
            Some(frame) => Ok(frame),
            None => self.file.frame(self.meter),
        }
    }

    /// The current pixels and metadata, to change; an encoding step must follow.
    pub(crate) fn frame_mut(&mut self) -> Result<&mut Frame, DecodeError> {
        let frame = match self.changed.take() {
            Some(frame) => frame,
            None => self.file.frame(self.meter)?.clone(),
        };
        Ok(self.changed.insert(frame))
    }

    /// Takes a newly written file as the current state.
    pub(crate) fn replace(&mut self, bytes: Vec<u8>) -> Result<(), StepErrorKind> {
        self.set_file(Arc::new(ImageFile::new(bytes)?));
        Ok(())
    }

    pub(crate) fn set_file(&mut self, file: Arc<ImageFile>) {
        self.file = file;
        self.changed = None;
    }

    /// The current file, provided that no pixels were changed since it was encoded.
    pub(crate) fn encoded(&self) -> Result<&Arc<ImageFile>, StepErrorKind> {
        if self.changed.is_some() {
            return Err(StepErrorKind::NotEncoded);
        }
        Ok(&self.file)
    }
}

/// Whether the recipe goes on behind a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    Continue,
    /// The current file is the recipe's result.
    Finish,
}

/// What a step does to the work.
pub(crate) trait Apply {
    fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind>;
}

/// When a step is taken; all that are given must hold. A step whose condition fails is passed over.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// The current file has one of these formats.
    pub formats: Option<Vec<Format>>,
    /// The pixels have an alpha channel (`true`) or none (`false`).
    pub alpha: Option<bool>,
    /// The pixels' long side exceeds this.
    pub long_side_over: Option<crate::value::Side>,
    /// The current file is larger than this.
    pub bytes_over: Option<crate::value::Bytes>,
}

impl When {
    pub(crate) fn holds(&self, work: &Work<'_>) -> Result<bool, DecodeError> {
        let file = work.file();
        if self
            .formats
            .as_ref()
            .is_some_and(|formats| !formats.contains(&file.format()))
        {
            return Ok(false);
        }
        if self
            .bytes_over
            .is_some_and(|limit| file.bytes().len() <= limit.get() as usize)
        {
            return Ok(false);
        }
        if self.alpha.is_none() && self.long_side_over.is_none() {
            return Ok(true);
        }
        let pixels = &work.frame()?.pixels;
        let alpha = self
            .alpha
            .is_none_or(|alpha| pixels.color().has_alpha() == alpha);
        let long = pixels.width().max(pixels.height());
        Ok(alpha
            && self
                .long_side_over
                .is_none_or(|limit| long > u32::from(limit.get())))
    }
}

macro_rules! steps {
    ($($doc:literal $key:ident => $variant:ident($type:ty)),* $(,)?) => {
        /// One step of a recipe, valid by construction.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum Step { $(#[doc = $doc] $variant($type)),* }

        impl Step {
            /// Every step's name as recipes write it, with its one-line description.
            pub const ALL: &'static [(&'static str, &'static str)] = &[$((stringify!($key), $doc)),*];

            /// The name that recipes write.
            #[must_use]
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => stringify!($key)),* }
            }
        }

        impl Apply for Step {
            fn apply(&self, work: &mut Work<'_>) -> Result<Flow, StepErrorKind> {
                match self { $(Self::$variant(step) => step.apply(work)),* }
            }
        }

        /// A `[[step]]` table as TOML has it: one step key, and perhaps a condition.
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct WireStep { pub(crate) when: Option<When>, $($key: Option<$type>),* }

        impl WireStep {
            /// The step that is given; refused unless there is exactly one.
            pub(crate) fn into_step(self) -> Result<(Option<When>, Step), String> {
                let given: Vec<Step> = [$(self.$key.map(Step::$variant)),*].into_iter().flatten().collect();
                let count = given.len();
                match <[Step; 1]>::try_from(given) {
                    Ok([step]) => Ok((self.when, step)),
                    Err(_) => Err(format!("a [[step]] holds exactly one step, this one holds {count}")),
                }
            }
        }
    };
}

steps! {
    "Applies the EXIF orientation to the pixels and clears the tag."
    orient => Orient(steps::orient::Orient),
    "Converts the pixels from the embedded ICC profile to sRGB and drops the profile."
    convert_to_srgb => ConvertToSrgb(steps::convert_to_srgb::ConvertToSrgb),
    "Changes the dimensions by one of several rules."
    resize => Resize(steps::resize::Resize),
    "Cuts away edges, or cuts to an aspect ratio around the centre."
    crop => Crop(steps::crop::Crop),
    "Turns the pixels clockwise by quarters."
    rotate => Rotate(steps::rotate::Rotate),
    "Mirrors the pixels."
    flip => Flip(steps::flip::Flip),
    "Changes brightness, contrast, saturation and gamma, in this order."
    adjust => Adjust(steps::adjust::Adjust),
    "Sharpens with an unsharp mask."
    sharpen => Sharpen(steps::sharpen::Sharpen),
    "Centres the picture on a canvas of one colour."
    pad => Pad(steps::pad::Pad),
    "Encodes as JPEG."
    jpeg => Jpeg(steps::encode::Jpeg),
    "Encodes as WebP."
    webp => WebP(steps::encode::WebP),
    "Encodes as AVIF."
    avif => Avif(steps::encode::Avif),
    "Encodes as PNG, true colour or palette."
    png => Png(steps::encode::Png),
    "Encodes in the format that the current file has, each with its own settings."
    save => Save(steps::encode::Save),
    "Rewrites a JPEG file's coefficients without loss."
    lossless_jpeg => LosslessJpeg(steps::lossless::LosslessJpeg),
    "Optimises a PNG file without loss."
    lossless_png => LosslessPng(steps::lossless::LosslessPng),
    "Drops metadata from the file without touching the coded image."
    metadata => Metadata(steps::metadata::Metadata),
    "Ends the recipe here with the current file when it is small enough."
    passthrough => Passthrough(steps::passthrough::Passthrough),
    "Goes back to the file that entered the recipe unless the result is smaller."
    keep_smaller => KeepSmaller(steps::keep_smaller::KeepSmaller),
    "Runs another recipe, once or several times in a row."
    recipe => Recipe(steps::recipe::Nested),
}
