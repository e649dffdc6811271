//! The steps that recipes are made of. `steps!` below is the one list: a new step is one file in `steps/` and one
//! line here.

use std::sync::Arc;

use serde::Deserialize;

use crate::error::StepErrorKind;
use crate::meter::Meter;
use crate::recipe::steps;
use crate::resign::Surroundings;
use credlink_image_files::DecodeError;
use credlink_image_files::Format;
use credlink_image_files::{Frame, ImageFile};

/// An image on its way through a recipe: the file as last encoded, and pixels changed since.
pub struct Work<'a> {
    /// The file that entered the recipe.
    input: Arc<ImageFile>,
    /// The file as last encoded.
    file: Arc<ImageFile>,
    /// Pixels or metadata changed since; `None` while `file` says it all.
    changed: Option<Frame>,
    surroundings: Surroundings<'a>,
}

impl<'a> Work<'a> {
    pub(crate) fn new(input: Arc<ImageFile>, surroundings: Surroundings<'a>) -> Self {
        Self {
            file: Arc::clone(&input),
            input,
            changed: None,
            surroundings,
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

    pub(crate) fn surroundings(&self) -> Surroundings<'a> {
        self.surroundings
    }

    pub(crate) fn meter(&self) -> &'a Meter<'a> {
        self.surroundings.meter
    }

    /// The current pixels and metadata, to read.
    pub(crate) fn frame(&self) -> Result<&Frame, DecodeError> {
        match &self.changed {
            Some(frame) => Ok(frame),
            None => self.surroundings.meter.frame(&self.file),
        }
    }

    /// The current pixels and metadata, to change; an encoding step must follow.
    pub(crate) fn frame_mut(&mut self) -> Result<&mut Frame, DecodeError> {
        let frame = match self.changed.take() {
            Some(frame) => frame,
            None => self.surroundings.meter.frame(&self.file)?.clone(),
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
    /// The current file carries at least one of these kinds of metadata.
    pub has: Option<Vec<credlink_image_files::metadata::Kind>>,
    /// The file says that its pixels must be turned for display (`true`) or not (`false`).
    pub turned: Option<bool>,
    /// The shape of the coded pixels.
    pub shape: Option<Shape>,
}

/// How width and height compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Shape {
    /// Wider than high.
    Landscape,
    /// Higher than wide.
    Portrait,
    /// As wide as high.
    Square,
}

impl Shape {
    fn of(width: u32, height: u32) -> Self {
        match width.cmp(&height) {
            std::cmp::Ordering::Greater => Self::Landscape,
            std::cmp::Ordering::Less => Self::Portrait,
            std::cmp::Ordering::Equal => Self::Square,
        }
    }
}

impl When {
    /// Whether the format alone decides.
    pub(crate) fn is_only_formats(&self) -> bool {
        *self
            == Self {
                formats: self.formats.clone(),
                ..Self::default()
            }
    }

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
        if let Some(kinds) = &self.has {
            let metadata = credlink_image_files::metadata::read(file.format(), file.bytes());
            if !kinds.iter().any(|kind| metadata.has(*kind)) {
                return Ok(false);
            }
        }
        if self.alpha.is_none()
            && self.turned.is_none()
            && self.long_side_over.is_none()
            && self.shape.is_none()
        {
            return Ok(true);
        }
        let frame = work.frame()?;
        let (width, height) = (frame.pixels.width(), frame.pixels.height());
        let turned = frame.orientation != image::metadata::Orientation::NoTransforms;
        Ok(self
            .alpha
            .is_none_or(|alpha| frame.pixels.color().has_alpha() == alpha)
            && self.turned.is_none_or(|wanted| turned == wanted)
            && self
                .shape
                .is_none_or(|shape| Shape::of(width, height) == shape)
            && self
                .long_side_over
                .is_none_or(|limit| width.max(height) > u32::from(limit.get())))
    }
}

/// What a step works on, which decides where in a recipe it may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Changes pixels; a step that encodes them must follow.
    Pixels,
    /// Writes the pixels as a file.
    Encode,
    /// Works on the coded file; no unencoded pixels may be pending.
    File,
}

/// What a recipe has to know of a step that encodes, before it runs.
pub(crate) trait Encodes {
    /// The format that a file of `format` is written in.
    fn gives(&self, format: Format) -> Format;

    /// Whether the formats that it writes hold the metadata that it keeps.
    ///
    /// # Errors
    /// In words, what is kept where it cannot be.
    fn checked_keep(&self) -> Result<(), String>;
}

/// The step as one that encodes, if its kind says that it does.
macro_rules! encoder {
    (Encode, $step:ident) => {
        Some($step)
    };
    ($other:ident, $step:ident) => {{
        let _ = $step;
        None
    }};
}

macro_rules! steps {
    ($($doc:literal $key:ident: $kind:ident => $variant:ident($type:ty)),* $(,)?) => {
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

            /// What the step works on.
            #[must_use]
            pub const fn kind(&self) -> Kind {
                match self { $(Self::$variant(_) => Kind::$kind),* }
            }

            /// The step as one that encodes.
            fn encoder(&self) -> Option<&dyn Encodes> {
                match self { $(Self::$variant(step) => encoder!($kind, step)),* }
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
    orient: Pixels => Orient(steps::orient::Orient),
    "Converts the pixels from the embedded ICC profile to sRGB and drops the profile."
    convert_to_srgb: Pixels => ConvertToSrgb(steps::convert_to_srgb::ConvertToSrgb),
    "Changes the dimensions by one of several rules."
    resize: Pixels => Resize(steps::resize::Resize),
    "Cuts away edges, or cuts to an aspect ratio around the centre."
    crop: Pixels => Crop(steps::crop::Crop),
    "Turns the pixels clockwise, by quarters without resampling."
    rotate: Pixels => Rotate(steps::rotate::Rotate),
    "Mirrors the pixels."
    flip: Pixels => Flip(steps::flip::Flip),
    "Changes brightness, contrast, saturation, hue and gamma, in this order."
    adjust: Pixels => Adjust(steps::adjust::Adjust),
    "Sharpens with an unsharp mask."
    sharpen: Pixels => Sharpen(steps::sharpen::Sharpen),
    "Centres the picture on a canvas of one colour."
    pad: Pixels => Pad(steps::pad::Pad),
    "Brings the picture into perspective, each corner moved inwards by a seeded share."
    perspective: Pixels => Perspective(steps::perspective::Perspective),
    "Reduces colours to grey."
    grey: Pixels => Grey(steps::grey::Grey),
    "Blurs with a Gaussian."
    blur: Pixels => Blur(steps::blur::Blur),
    "Takes the median of a square neighbourhood."
    median: Pixels => Median(steps::median::Median),
    "Adds Gaussian noise from a seed."
    noise: Pixels => Noise(steps::noise::Noise),
    "Mixes in a colour and darkens the corners."
    tint: Pixels => Tint(steps::tint::Tint),
    "Multiplies with a sinusoidal grid, as a camera before a screen sees it."
    moire: Pixels => Moire(steps::moire::Moire),
    "Writes words over the picture."
    text: Pixels => Text(steps::text::Text),
    "Lays a sticker, a block or stripes over the picture."
    overlay: Pixels => Overlay(steps::overlay::Overlay),
    "Draws a phone's status bar over the top edge."
    status_bar: Pixels => StatusBar(steps::status_bar::StatusBar),
    "Puts the picture, scaled down, into another one."
    collage: Pixels => Collage(steps::collage::Collage),
    "Encodes as JPEG."
    jpeg: Encode => Jpeg(steps::encode::Jpeg),
    "Encodes as WebP."
    webp: Encode => WebP(steps::encode::WebP),
    "Encodes as AVIF."
    avif: Encode => Avif(steps::encode::Avif),
    "Encodes as PNG, true colour or palette."
    png: Encode => Png(steps::png::Png),
    "Encodes as GIF with a palette."
    gif: Encode => Gif(steps::encode::Gif),
    "Encodes as uncompressed TIFF."
    tiff: Encode => Tiff(steps::encode::Tiff),
    "Encodes as JPEG XL, without loss."
    jxl: Encode => Jxl(steps::encode::Jxl),
    "Encodes as Windows bitmap."
    bmp: Encode => Bmp(steps::encode::Bmp),
    "Encodes in the format that the current file has, each with its own settings."
    save: Encode => Save(steps::save::Save),
    "Goes down a ladder of sizes, or of qualities, until the file is small enough."
    until_bytes: Encode => UntilBytes(steps::until_bytes::UntilBytes),
    "Rewrites a JPEG file's coefficients without loss."
    lossless_jpeg: File => LosslessJpeg(steps::lossless::LosslessJpeg),
    "Optimises a PNG file without loss."
    lossless_png: File => LosslessPng(steps::lossless::LosslessPng),
    "Drops metadata from the file without touching the coded image."
    metadata: File => Metadata(steps::metadata::Metadata),
    "Rewrites single metadata fields without touching the coded image."
    fields: File => Fields(steps::fields::Fields),
    "Ends the recipe here with the current file when it is small enough."
    passthrough: File => Passthrough(steps::passthrough::Passthrough),
    "Goes back to the file that entered the recipe unless the result is smaller."
    keep_smaller: File => KeepSmaller(steps::keep_smaller::KeepSmaller),
    "Signs the result as a service that preserves Content Credentials does, with the signed original as its parent."
    resign: File => Resign(steps::resign::Resign),
    "Runs another recipe, once or several times in a row."
    recipe: File => Recipe(steps::recipe::Nested),
    "Hands the file round a circle of recipes for a number of hops."
    relay: File => Relay(steps::recipe::Relay),
    "Sends the file through recipes of some families, chosen by a seed."
    journey: File => Journey(steps::recipe::Journey),
    "Runs a program that is installed on the machine."
    exec: File => Exec(steps::exec::Exec),
    "Sends the file through a real server; in recipes of the family `live` alone."
    http: File => Http(steps::http::Http),
}

impl Step {
    /// The formats that the step may leave a file of `format` in, in a recipe that `input` entered.
    pub(crate) fn gives(&self, format: Format, input: Format) -> Vec<Format> {
        if let Some(encoder) = self.encoder() {
            return vec![encoder.gives(format)];
        }
        match self {
            Self::Exec(exec) => vec![exec.gives(format)],
            // Nobody knows before it has answered.
            Self::Http(_) => Format::ALL.to_vec(),
            Self::KeepSmaller(_) => vec![format, input],
            Self::Recipe(_) | Self::Relay(_) | Self::Journey(_) => {
                let mut formats = std::collections::BTreeSet::from([format]);
                for link in self.links() {
                    formats = formats
                        .iter()
                        .flat_map(|from| link.outputs(*from))
                        .collect();
                }
                formats.into_iter().collect()
            }
            // Pixels wait for an encoder, and what works on the coded file keeps its format.
            _ => vec![format],
        }
    }

    /// The settings by which the step writes JPEG files, if it does.
    pub(crate) fn jpeg(&self) -> Option<&steps::encode::Jpeg> {
        match self {
            Self::Jpeg(jpeg) => Some(jpeg),
            Self::Save(save) => save.jpeg(),
            Self::UntilBytes(ladder) => ladder.jpeg(),
            _ => None,
        }
    }

    /// The recipes that the step runs, in order.
    #[must_use]
    pub fn links(&self) -> &[Arc<crate::recipe::Recipe>] {
        match self {
            Self::Recipe(step) => &step.links.0,
            Self::Relay(step) => &step.links.0,
            Self::Journey(step) => &step.links.0,
            _ => &[],
        }
    }

    pub(crate) fn links_mut(&mut self) -> Option<&mut steps::recipe::Links> {
        match self {
            Self::Recipe(step) => Some(&mut step.links),
            Self::Relay(step) => Some(&mut step.links),
            Self::Journey(step) => Some(&mut step.links),
            _ => None,
        }
    }

    /// The ids that the step's links are, in order, given the recipes that there are.
    ///
    /// # Errors
    /// What is missing, in words.
    pub(crate) fn link_ids(
        &self,
        parsed: &std::collections::BTreeMap<String, crate::recipe::Recipe>,
    ) -> Result<Vec<String>, String> {
        match self {
            Self::Recipe(step) => Ok(vec![step.id.clone(); step.times.get().into()]),
            Self::Relay(step) if step.through.is_empty() => {
                Err("relay.through names no recipe".to_owned())
            }
            Self::Relay(step) => {
                let circle = step.through.iter().cycle();
                Ok(circle.take(step.hops.get().into()).cloned().collect())
            }
            Self::Journey(step) => {
                let suits = |recipe: &&crate::recipe::Recipe| {
                    let common = steps::recipe::COMMON;
                    step.through.contains(&recipe.family)
                        && recipe.steps.iter().all(|(_, step)| step.stands_alone())
                        && common.iter().all(|format| {
                            recipe.takes(*format)
                                && recipe
                                    .outputs(*format)
                                    .iter()
                                    .all(|out| common.contains(out))
                        })
                };
                let pool: Vec<&String> = parsed
                    .values()
                    .filter(suits)
                    .map(|recipe| &recipe.id)
                    .collect();
                if pool.is_empty() {
                    return Err(format!(
                        "journey.through: no recipe of {:?} fits",
                        step.through
                    ));
                }
                let drawn = step.draw(pool.len());
                Ok(drawn.into_iter().map(|index| pool[index].clone()).collect())
            }
            _ => Ok(Vec::new()),
        }
    }

    /// Whether the formats that the step writes hold the metadata that it keeps.
    ///
    /// # Errors
    /// In words, what is kept where it cannot be.
    pub(crate) fn checked_keep(&self) -> Result<(), String> {
        self.encoder().map_or(Ok(()), Encodes::checked_keep)
    }

    /// Whether the step neither runs other recipes nor needs a program, a signer or a server.
    fn stands_alone(&self) -> bool {
        !matches!(
            self,
            Self::Recipe(_)
                | Self::Relay(_)
                | Self::Journey(_)
                | Self::Exec(_)
                | Self::Resign(_)
                | Self::Http(_)
        )
    }
}
