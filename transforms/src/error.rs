//! What can go wrong between the bytes of one image file and the bytes of the next.

use credlink_image_files::{ContainerError, DecodeError, Format};

use crate::ask::Unanswered;

/// Why pixels could not be written as an image file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The codec refused the pixels.
    #[error("{format} encoder: {reason}")]
    Codec {
        /// The format that was to be written.
        format: Format,
        /// The codec's own words.
        reason: String,
    },
    /// The encoder does not take pictures so small.
    #[error("{width} x {height} pixels are too few for the {format} encoder")]
    TooSmall {
        /// The format that was to be written.
        format: Format,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// The container cannot hold these dimensions.
    #[error("{width} x {height} pixels exceed what {format} can hold")]
    TooLarge {
        /// The format that was to be written.
        format: Format,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
}

/// Why a step could not do its work on one image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StepErrorKind {
    /// The image that the step was given cannot be decoded.
    #[error("failed to decode its input: {0}")]
    Decode(DecodeError),
    /// The result cannot be encoded.
    #[error("failed to encode its result: {0}")]
    Encode(EncodeError),
    /// The step does not work on this format.
    #[error("works on {expected}, but was given {found}")]
    Format {
        /// What the step takes.
        expected: &'static str,
        /// What it was given.
        found: Format,
    },
    /// The step's geometry leaves nothing of the image.
    #[error("leaves no pixels of a {width} x {height} image")]
    NothingLeft {
        /// Width in pixels of the image given.
        width: u32,
        /// Height in pixels of the image given.
        height: u32,
    },
    /// A chain came to a recipe that does not take what the one before gave.
    #[error("{recipe} does not take {found} files")]
    Refused {
        /// The recipe that was to come next.
        recipe: String,
        /// What it was given.
        found: Format,
    },
    /// A recipe within the recipe failed.
    #[error("{0}")]
    Nested(Box<StepError>),
    /// A program that the recipe calls is not installed: the op is skipped rather than failed.
    #[error("the program `{program}` is not installed; see fidelity/README.md")]
    MissingProgram {
        /// The program's name.
        program: String,
    },
    /// The recipe signs in a service's name, and nobody was handed in who does.
    #[error("signs, and nobody who signs was handed in")]
    NoSigner,
    /// The result could not be signed.
    #[error("the result cannot be signed: {0}")]
    Signing(String),
    /// The recipe asks a real server, and nobody was handed in who does.
    #[error("asks a real server, which only `survival --live` does")]
    NoNetwork,
    /// A real server gave no answer that can be used.
    #[error("{0}")]
    Server(Unanswered),
    /// A program ran and failed, or took too long.
    #[error("`{program}` {reason}")]
    Program {
        /// The program's name.
        program: String,
        /// Its exit status and last words, or the time limit.
        reason: String,
    },
    /// The machine's own disk refused a temporary file, which says nothing of the image.
    #[error("cannot use a temporary file: {0}")]
    Storage(String),
    /// A resampler or colour engine refused.
    #[error("{0}")]
    Engine(String),
    /// The recipe ended with pixels that no step had encoded.
    #[error("the recipe changed pixels but no later step encoded them")]
    NotEncoded,
}

impl From<ContainerError> for EncodeError {
    fn from(error: ContainerError) -> Self {
        match error {
            ContainerError::Structure { format, reason } => Self::Codec { format, reason },
            other => Self::Codec {
                format: Format::Jpeg,
                reason: other.to_string(),
            },
        }
    }
}

impl From<ContainerError> for StepErrorKind {
    fn from(error: ContainerError) -> Self {
        Self::Encode(error.into())
    }
}

impl From<DecodeError> for StepErrorKind {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl From<EncodeError> for StepErrorKind {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

/// A failed step: which one, in which recipe, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{recipe}: step {number} ({step}): {kind}")]
pub struct StepError {
    /// The recipe's id.
    pub recipe: String,
    /// The step's position in the recipe, from 1.
    pub number: usize,
    /// The step's name.
    pub step: &'static str,
    /// What went wrong; its words are part of this error's own.
    pub kind: StepErrorKind,
}

impl StepError {
    /// A short code for tables: `decode`, `encode`, `format`, `geometry`, `engine`, `no-signer`, `signing`, `no-network`, one of
    /// [`Fault`](crate::ask::Fault), `program`, `missing-program` or `disk`.
    #[must_use]
    pub fn cause(&self) -> &'static str {
        match &self.kind {
            StepErrorKind::Decode(_) => "decode",
            StepErrorKind::Encode(_) => "encode",
            StepErrorKind::Format { .. } | StepErrorKind::Refused { .. } => "format",
            StepErrorKind::NothingLeft { .. } => "geometry",
            StepErrorKind::Engine(_) | StepErrorKind::NotEncoded => "engine",
            StepErrorKind::NoSigner => "no-signer",
            StepErrorKind::Signing(_) => "signing",
            StepErrorKind::NoNetwork => "no-network",
            StepErrorKind::Server(unanswered) => unanswered.fault.cause(),
            StepErrorKind::Program { .. } => "program",
            StepErrorKind::MissingProgram { .. } => "missing-program",
            StepErrorKind::Storage(_) => "disk",
            StepErrorKind::Nested(error) => error.cause(),
        }
    }

    /// The program that would have to be installed, where that is all that is wrong.
    #[must_use]
    pub fn missing_program(&self) -> Option<&str> {
        match &self.kind {
            StepErrorKind::MissingProgram { program } => Some(program),
            StepErrorKind::Nested(error) => error.missing_program(),
            _ => None,
        }
    }
}
