//! What proofs consist of, in a bucket of S3: each record, manifest and set of points is an object under its own SHA-256. An
//! object is written once, on condition that there is none, so that nothing that is kept can be overwritten.

use std::fmt::Write as _;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration,
    PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, VersioningConfiguration,
};
use sha2::{Digest as _, Sha256};

use super::Digest;
use crate::store::StoreError;
use crate::store::wire::says;

/// Bytes that an object may have: no manifest or record that we write comes near it.
const MOST_BYTES: i64 = 64 << 20;
/// How often an object is written that another writer is writing at the moment.
const TRIES: usize = 4;

/// What an object is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Record,
    Manifest,
    Points,
}

impl Part {
    fn folder(self) -> &'static str {
        match self {
            Self::Record => "records",
            Self::Manifest => "manifests",
            Self::Points => "points",
        }
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Record => "application/json",
            Self::Manifest => "application/c2pa",
            Self::Points => "application/octet-stream",
        }
    }
}

/// The status of an answer that was an error.
fn status<E>(error: &SdkError<E, HttpResponse>) -> Option<u16> {
    error.raw_response().map(|answer| answer.status().as_u16())
}

/// A bucket, or what lies under a prefix of it.
#[derive(Debug)]
pub(super) struct Objects {
    client: Client,
    bucket: String,
    prefix: String,
}

impl Objects {
    pub(super) fn new(client: Client, bucket: String, prefix: String) -> Self {
        Self {
            client,
            bucket,
            prefix,
        }
    }

    fn key(&self, part: Part, digest: &Digest) -> String {
        let mut key = self.prefix.clone();
        if !key.is_empty() {
            key.push('/');
        }
        let _ = write!(key, "{}/{}", part.folder(), hex::encode(digest));
        key
    }

    /// Whether there is such a bucket.
    pub(super) async fn is_there(&self) -> Result<bool, StoreError> {
        match self.client.head_bucket().bucket(&self.bucket).send().await {
            Ok(_) => Ok(true),
            Err(error) if status(&error) == Some(404) => Ok(false),
            Err(error) => Err(says("reach", &error)),
        }
    }

    /// Makes the bucket where there is none: encrypted, closed to the public, with versions kept. An empty one becomes as such,
    /// since it may be one of ours that was not made to the end; one that holds something is left as its owner has it.
    pub(super) async fn create(&self) -> Result<(), StoreError> {
        if !self.is_there().await? {
            self.make().await?;
        }
        match self.is_empty().await? {
            true => self.protect().await,
            false => Ok(()),
        }
    }

    async fn is_empty(&self) -> Result<bool, StoreError> {
        let held = self.client.list_objects_v2().bucket(&self.bucket);
        let held = held.max_keys(1).send().await;
        let held = held.map_err(|error| says("look into", &error))?;
        Ok(held.contents().is_empty())
    }

    async fn make(&self) -> Result<(), StoreError> {
        let region = self.client.config().region().map(ToString::to_string);
        // The first region is the one that may not be named.
        let place = region.filter(|region| region != "us-east-1").map(|region| {
            let place = BucketLocationConstraint::from(region.as_str());
            CreateBucketConfiguration::builder()
                .location_constraint(place)
                .build()
        });
        let made = self.client.create_bucket().bucket(&self.bucket);
        let made = made.set_create_bucket_configuration(place).send().await;
        match made {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("BucketAlreadyOwnedByYou") => Ok(()),
            Err(error) => Err(says("make", &error)),
        }
    }

    async fn protect(&self) -> Result<(), StoreError> {
        if !self.is_encrypted().await? {
            self.encrypt().await?;
        }
        let closed = PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .ignore_public_acls(true)
            .block_public_policy(true)
            .restrict_public_buckets(true)
            .build();
        let close = self.client.put_public_access_block().bucket(&self.bucket);
        let close = close.public_access_block_configuration(closed).send().await;
        close.map_err(|error| says("close", &error))?;
        let versions = VersioningConfiguration::builder()
            .status(BucketVersioningStatus::Enabled)
            .build();
        let kept = self.client.put_bucket_versioning().bucket(&self.bucket);
        let kept = kept.versioning_configuration(versions).send().await;
        kept.map(drop)
            .map_err(|error| says("keep versions in", &error))
    }

    async fn is_encrypted(&self) -> Result<bool, StoreError> {
        let how = self.client.get_bucket_encryption().bucket(&self.bucket);
        match how.send().await {
            Ok(_) => Ok(true),
            Err(error) if status(&error) == Some(404) => Ok(false),
            Err(error) => Err(says("look at", &error)),
        }
    }

    async fn encrypt(&self) -> Result<(), StoreError> {
        let by_default = ServerSideEncryptionByDefault::builder()
            .sse_algorithm(ServerSideEncryption::Aes256)
            .build()
            .map_err(|error| says("encrypt", &error))?;
        let rule = ServerSideEncryptionRule::builder()
            .apply_server_side_encryption_by_default(by_default)
            .build();
        let rules = ServerSideEncryptionConfiguration::builder()
            .rules(rule)
            .build()
            .map_err(|error| says("encrypt", &error))?;
        let encrypted = self.client.put_bucket_encryption().bucket(&self.bucket);
        let encrypted = encrypted.server_side_encryption_configuration(rules);
        let encrypted = encrypted.send().await;
        encrypted.map(drop).map_err(|error| says("encrypt", &error))
    }

    /// Writes an object where it is not there yet; its digest.
    pub(super) async fn put(&self, part: Part, bytes: Vec<u8>) -> Result<Digest, StoreError> {
        let digest = Digest::from(Sha256::digest(&bytes));
        let bytes = axum::body::Bytes::from(bytes);
        let mut tries = 0;
        loop {
            tries += 1;
            let put = self.client.put_object().bucket(&self.bucket);
            let put = put.key(self.key(part, &digest)).if_none_match("*");
            let put = put.content_type(part.media_type());
            let written = put.body(ByteStream::from(bytes.clone())).send().await;
            let Err(error) = written else {
                return Ok(digest);
            };
            match status(&error) {
                // It is there: what has this name has this content.
                Some(412) => return Ok(digest),
                // Another writer is at it.
                Some(409) if tries < TRIES => {}
                _ => return Err(says("write", &error)),
            }
        }
    }

    /// An object, or `None` where there is none, or it is not what its name says.
    pub(super) async fn get(
        &self,
        part: Part,
        digest: &Digest,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let get = self.client.get_object().bucket(&self.bucket);
        let found = match get.key(self.key(part, digest)).send().await {
            Ok(found) => found,
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
            Err(error) => return Err(says("read", &error)),
        };
        if found
            .content_length()
            .is_none_or(|bytes| bytes > MOST_BYTES)
        {
            return Ok(None);
        }
        let bytes = found.body.collect().await;
        let bytes = bytes.map_err(|error| says("read", &error))?.to_vec();
        let is_whole = Digest::from(Sha256::digest(&bytes)) == *digest;
        Ok(is_whole.then_some(bytes))
    }
}
