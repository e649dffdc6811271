//! What went wrong on the way to AWS, in a sentence.

use std::error::Error;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::SdkError;

use crate::store::{StoreError, failed};

/// An error of the library with all that lies behind it. None of it holds a key: those are never part of an answer.
pub(super) fn says(action: &'static str, error: &(dyn Error + 'static)) -> StoreError {
    let mut what = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_says = cause.to_string();
        // Wrappers repeat what they wrap.
        if !what.ends_with(&cause_says) {
            what = format!("{what}: {cause_says}");
        }
        source = cause.source();
    }
    failed(action)(&what)
}

/// The status of an answer that was an error.
pub(super) fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|answer| answer.status().as_u16())
}
