//! Proofs on AWS: what they consist of in a bucket of S3, where it is in a table of DynamoDB. Any number of services share them.
//!
//! Objects are written first, under their own digest; then the table, in one transaction. A proof is there from that moment
//! on, and not before: what a writer leaves that is killed in between is an object that nothing names.
//!
//! Region, credentials and endpoints are those of every program that speaks with AWS: `AWS_REGION`, `AWS_ACCESS_KEY_ID`,
//! `AWS_ENDPOINT_URL`, a profile, the role of the machine.

mod items;
mod objects;
mod table;

use std::sync::Arc;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use credlink_sign_core::local::Points;
use credlink_sign_core::store::Resident;
use credlink_sign_core::{ProofId, ProofRecord};
use futures_util::{StreamExt as _, TryStreamExt as _};

use self::items::{Entry, Parts};
use self::objects::{Objects, Part};
use self::table::{TOGETHER, Table};
use super::url::AwsPlace;
use super::wire::Wire;
use super::{Keeper, Proof, StoreError, failed, looks};

/// How long making a connection may take, and one attempt; and how often what failed is tried.
const CONNECTING: Duration = Duration::from_secs(1);
const ATTEMPT: Duration = Duration::from_secs(3);
const ATTEMPTS: u32 = 3;
/// How long making a bucket and a table may take, and reading a part of what is said of all proofs.
const MAKING: Duration = Duration::from_secs(120);
const READING: Duration = Duration::from_secs(60);
/// Objects that are on their way at once.
const AT_ONCE: usize = 32;
/// Proofs whose points are read together.
const POINTS_TOGETHER: usize = 256;

/// SHA-256.
type Digest = [u8; 32];

/// A bucket and a table.
#[derive(Debug)]
pub(super) struct Aws {
    name: String,
    place: Arc<Place>,
    wire: Wire,
}

#[derive(Debug)]
struct Place {
    objects: Objects,
    table: Table,
}

impl Place {
    async fn at(place: AwsPlace) -> Result<Self, StoreError> {
        let tls = Provider::Rustls(CryptoMode::Ring);
        let http = aws_smithy_http_client::Builder::new().tls_provider(tls);
        let patience = TimeoutConfig::builder()
            .connect_timeout(CONNECTING)
            .operation_attempt_timeout(ATTEMPT)
            .build();
        let config = aws_config::defaults(BehaviorVersion::v2026_01_12())
            .http_client(http.build_https())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(patience)
            .load()
            .await;
        if config.region().is_none() {
            let what = "no region is named; AWS_REGION, or a profile, names one";
            return Err(failed("reach")(&what));
        }
        // Servers other than Amazon's have no name of their own for each bucket.
        let elsewhere =
            config.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
        let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(elsewhere);
        let s3 = aws_sdk_s3::Client::from_conf(s3.build());
        Ok(Self {
            objects: Objects::new(s3, place.bucket, place.prefix),
            table: Table::new(aws_sdk_dynamodb::Client::new(&config), place.table),
        })
    }

    async fn is_there(&self) -> Result<bool, StoreError> {
        let both = tokio::try_join!(self.objects.is_there(), self.table.is_there())?;
        Ok(both == (true, true))
    }

    /// Adds up to [`TOGETHER`] proofs.
    async fn add(&self, proofs: Vec<Proof>) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        let writer = nonce()?;
        let written = futures_util::stream::iter(proofs)
            .map(|proof| self.written(proof))
            .buffered(AT_ONCE);
        let entries: Vec<Entry> = written.try_collect().await?;
        let added = self.table.add(&entries, &writer).await?;
        let answers = entries.iter().zip(added).map(|(entry, added)| match added {
            true => Ok(()),
            false => Err(StoreError::Duplicate(entry.id)),
        });
        Ok(answers.collect())
    }

    /// Writes what a proof consists of.
    async fn written(&self, proof: Proof) -> Result<Entry, StoreError> {
        let record = super::text_of(&proof.record)?;
        let points = async {
            match proof.record.points {
                Some(_) => {
                    let points = proof.points.to_bytes();
                    self.objects.put(Part::Points, points).await.map(Some)
                }
                None => Ok(None),
            }
        };
        let (record, manifest, points) = tokio::try_join!(
            self.objects.put(Part::Record, record),
            self.objects.put(Part::Manifest, proof.manifest),
            points,
        )?;
        Ok(Entry {
            id: proof.record.id,
            parts: Parts {
                record,
                manifest,
                points,
            },
            looks: looks(&proof.record),
            urn: proof.urn,
            file: proof.record.signed_sha256,
        })
    }

    /// A part of a proof that the table names.
    async fn part(&self, id: ProofId, part: Part, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        let what = match part {
            Part::Record => "the record",
            Part::Manifest => "the manifest",
            Part::Points => "the points",
        };
        let found = self.objects.get(part, digest).await?;
        found.ok_or(StoreError::Damaged { id, what })
    }

    async fn record(&self, id: ProofId, parts: &Parts) -> Result<ProofRecord, StoreError> {
        let text = self.part(id, Part::Record, &parts.record).await?;
        let what = "the record";
        super::record_of(id, Some(&text))?.ok_or(StoreError::Damaged { id, what })
    }

    async fn points(&self, id: ProofId, parts: &Parts) -> Result<Option<Vec<u8>>, StoreError> {
        match &parts.points {
            Some(digest) => self.part(id, Part::Points, digest).await.map(Some),
            None => Ok(None),
        }
    }

    /// Record and points of those of these proofs that have points.
    async fn pointed(&self, ids: Vec<ProofId>) -> Result<Vec<(ProofId, Points)>, StoreError> {
        let parts = self.table.parts(&ids).await?;
        let read = futures_util::stream::iter(parts).map(async |(id, parts)| {
            let both = tokio::try_join!(self.record(id, &parts), self.points(id, &parts))?;
            match both {
                (record, Some(bytes)) => Ok(Some((id, super::points(&record, &bytes)?))),
                (_, None) => Ok(None),
            }
        });
        let read: Vec<_> = read.buffered(AT_ONCE).try_collect().await?;
        Ok(read.into_iter().flatten().collect())
    }
}

/// A name that no other call has.
fn nonce() -> Result<String, StoreError> {
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes).map_err(|error| failed("write")(&error))?;
    Ok(hex::encode(bytes))
}

impl Aws {
    /// What is there.
    pub(super) fn open(place: &AwsPlace) -> Result<Self, StoreError> {
        let store = Self::at(place)?;
        match store.wait("open", async |place| place.is_there().await)? {
            true => Ok(store),
            false => Err(StoreError::Missing(store.name)),
        }
    }

    /// Makes the bucket and the table where they are missing.
    pub(super) fn create(place: &AwsPlace) -> Result<Self, StoreError> {
        let store = Self::at(place)?;
        let made = Arc::clone(&store.place);
        store.wire.wait_for(MAKING, "make", async move {
            // A store can be opened once it has its table, and is not to be filled before its bucket is protected.
            made.objects.create().await?;
            made.table.create().await
        })?;
        Ok(store)
    }

    fn at(place: &AwsPlace) -> Result<Self, StoreError> {
        let wire = Wire::new()?;
        let reached = wire.wait_for(MAKING, "reach", Place::at(place.clone()))?;
        Ok(Self {
            name: place.to_string(),
            place: Arc::new(reached),
            wire,
        })
    }

    /// Asks, and waits for the answer.
    fn wait<T: Send + 'static, F>(
        &self,
        action: &'static str,
        ask: impl FnOnce(Arc<Place>) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        self.wire.wait(action, ask(Arc::clone(&self.place)))
    }

    /// Calls `each` with what was added after a number of the log; the last number.
    fn logged(
        &self,
        mut after: u64,
        each: &mut dyn FnMut(Vec<Resident>),
    ) -> Result<u64, StoreError> {
        loop {
            let place = Arc::clone(&self.place);
            let read = async move { place.table.log(after).await };
            let (residents, last) = self.wire.wait_for(READING, "read", read)?;
            if last == after {
                return Ok(last);
            }
            each(residents);
            after = last;
        }
    }
}

impl Keeper for Aws {
    fn name(&self) -> &str {
        &self.name
    }

    fn insert(&self, proofs: &[Proof]) -> Vec<Result<(), StoreError>> {
        let mut answers = Vec::with_capacity(proofs.len());
        for some in proofs.chunks(TOGETHER) {
            let some = some.to_vec();
            let count = some.len();
            let added = self.wait("write", async move |place| place.add(some).await);
            answers.extend(added.unwrap_or_else(|error| vec![Err(error); count]));
        }
        answers
    }

    fn record(&self, id: ProofId) -> Result<Option<ProofRecord>, StoreError> {
        Ok(self.records(&[id])?.pop().flatten())
    }

    fn records(&self, ids: &[ProofId]) -> Result<Vec<Option<ProofRecord>>, StoreError> {
        let ids = ids.to_vec();
        self.wait("read", async move |place| {
            let parts = place.table.parts(&ids).await?;
            let records = futures_util::stream::iter(ids).map(async |id| match parts.get(&id) {
                Some(parts) => place.record(id, parts).await.map(Some),
                None => Ok(None),
            });
            records.buffered(AT_ONCE).try_collect().await
        })
    }

    fn manifest(&self, id: ProofId) -> Result<Option<Vec<u8>>, StoreError> {
        self.wait("read", async move |place| {
            let parts = place.table.parts(&[id]).await?;
            match parts.get(&id) {
                Some(parts) => {
                    let manifest = place.part(id, Part::Manifest, &parts.manifest);
                    manifest.await.map(Some)
                }
                None => Ok(None),
            }
        })
    }

    fn points(&self, ids: &[ProofId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let ids = ids.to_vec();
        self.wait("read", async move |place| {
            let parts = place.table.parts(&ids).await?;
            let points = futures_util::stream::iter(ids).map(async |id| match parts.get(&id) {
                Some(parts) => place.points(id, parts).await,
                None => Ok(None),
            });
            points.buffered(AT_ONCE).try_collect().await
        })
    }

    fn points_of_all(&self, each: &mut dyn FnMut(ProofId, Points)) -> Result<(), StoreError> {
        let mut ids = Vec::new();
        self.residents(&mut |resident| ids.push(resident.id))?;
        for some in ids.chunks(POINTS_TOGETHER) {
            let (place, some) = (Arc::clone(&self.place), some.to_vec());
            let read = async move { place.pointed(some).await };
            let read = self.wire.wait_for(READING, "read", read)?;
            read.into_iter().for_each(|(id, points)| each(id, points));
        }
        Ok(())
    }

    fn by_urn(&self, urn: &str) -> Result<Option<ProofId>, StoreError> {
        let urn = urn.to_owned();
        self.wait("read", async move |place| place.table.by_urn(&urn).await)
    }

    fn by_file(&self, sha256: &[u8; 32]) -> Result<Vec<ProofId>, StoreError> {
        let file = *sha256;
        self.wait("read", async move |place| place.table.by_file(&file).await)
    }

    fn residents(&self, each: &mut dyn FnMut(Resident)) -> Result<(), StoreError> {
        let mut all = Vec::new();
        self.logged(0, &mut |residents| all.extend(residents))?;
        all.sort_unstable_by_key(|resident| resident.id);
        all.into_iter().for_each(each);
        Ok(())
    }

    fn count(&self) -> Result<u64, StoreError> {
        let end = self.wait("read", async |place| place.table.end().await)?;
        Ok(end.total)
    }

    fn answers(&self) -> Result<(), StoreError> {
        // What is asked of the table is what a proof takes: to be told that it is there would be no answer.
        let ask = async |place: Arc<Place>| {
            let (is_there, _) = tokio::try_join!(place.objects.is_there(), place.table.end())?;
            Ok(is_there)
        };
        match self.wait("read", ask)? {
            true => Ok(()),
            false => Err(StoreError::Missing(self.name.clone())),
        }
    }

    fn mark(&self) -> Result<Option<u64>, StoreError> {
        let end = self.wait("read", async |place| place.table.end().await)?;
        Ok(Some(end.number))
    }

    fn added_since(&self, mark: u64, each: &mut dyn FnMut(Resident)) -> Result<u64, StoreError> {
        self.logged(mark, &mut |residents| {
            residents.into_iter().for_each(&mut *each)
        })
    }
}
