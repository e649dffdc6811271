//! Proofs in PostgreSQL: one table, shared by any number of services.
//!
//! | column | what |
//! |---|---|
//! | `id` | the proof's id, as a signed number |
//! | `number` | ascends in the order in which proofs could be seen, so that others can be followed |
//! | `record`, `manifest` | JSON; JUMBF |
//! | `points` | as the record names them; null where it names none |
//! | `looks` | fingerprint, tone, quality, and the Image-Code, without which rows were kept at first |
//! | `urn`, `file` | the manifest's label; SHA-256 of the signed file |
//!
//! Whoever writes holds a lock until it is over: otherwise a number could be seen before a lower one, and a service that
//! follows would miss that. An id is the primary key, and no statement here changes a row.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use credlink_sign_core::local::Points;
use credlink_sign_core::store::Resident;
use credlink_sign_core::{ProofId, ProofRecord};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Row};

use super::wire::{self, Wire};
use super::{Keeper, Proof, StoreError, failed, looks, resident};

/// Connections at most.
const CONNECTIONS: usize = 8;
/// How long a connection may take to be made.
const CONNECTING: Duration = Duration::from_secs(4);
/// How long reading what all proofs look like may take.
const READING_ALL: Duration = Duration::from_secs(600);
/// Proofs whose looks are read together, and whose points.
const TOGETHER: i64 = 50_000;
const POINTS_TOGETHER: i64 = 1000;

/// What must be there. All of it may be there already.
const TABLE: &str = "
CREATE TABLE IF NOT EXISTS credlink_proofs (
    id bigint PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    record bytea NOT NULL,
    manifest bytea NOT NULL,
    points bytea,
    looks bytea NOT NULL,
    urn text NOT NULL UNIQUE,
    file bytea NOT NULL
);
CREATE INDEX IF NOT EXISTS credlink_proofs_file ON credlink_proofs (file);";
/// The lock of whoever writes: a number that nobody else takes.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7165064736112012655)";
/// Adds what is not there, and says what that was. An id that is here twice is added once.
const INSERT: &str = "
INSERT INTO credlink_proofs (id, record, manifest, points, looks, urn, file)
SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[], $6::text[], $7::bytea[])
ON CONFLICT DO NOTHING RETURNING id";

/// A table.
#[derive(Debug)]
pub(super) struct Postgres {
    name: String,
    pool: Arc<Pool>,
    wire: Wire,
}

/// Connections that are open and unused, and how many more there may be.
struct Pool {
    config: Config,
    idle: Mutex<Vec<Client>>,
    places: Arc<Semaphore>,
}

impl std::fmt::Debug for Pool {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

/// A connection of the pool. It goes back by [`Pool::back`] alone: what an answer may still come on is closed.
struct Lent {
    client: Client,
    _place: OwnedSemaphorePermit,
}

impl Pool {
    async fn lent(&self) -> Result<Lent, StoreError> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|error| failed("reach")(&error))?;
        let idle = || {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.pop()
        };
        while let Some(client) = idle() {
            if !client.is_closed() {
                return Ok(Lent {
                    client,
                    _place: place,
                });
            }
        }
        let (client, connection) = self.config.connect(NoTls).await.map_err(says("reach"))?;
        tokio::spawn(async move {
            // Whatever ends it shows in the next question.
            let _ = connection.await;
        });
        // Durable before the answer, whatever the server's own setting.
        let settings = "SET synchronous_commit = on; SET application_name = 'credlink'";
        client
            .batch_execute(settings)
            .await
            .map_err(says("reach"))?;
        Ok(Lent {
            client,
            _place: place,
        })
    }

    fn back(&self, lent: Lent) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push(lent.client);
    }
}

fn says(action: &'static str) -> impl FnOnce(tokio_postgres::Error) -> StoreError {
    move |error| wire::says(action, &error)
}

/// Ids are 64 bits without a sign, and the database's numbers have one: the bits stay as they are.
fn signed(id: ProofId) -> i64 {
    id.value().cast_signed()
}

fn unsigned(id: i64) -> ProofId {
    ProofId::new(id.cast_unsigned())
}

impl Postgres {
    /// A table that is there. `name` is what the store is called in messages: its URL without secrets.
    pub(super) fn open(url: &str, name: String) -> Result<Self, StoreError> {
        let store = Self::at(url, name)?;
        let there = store.asked("open", |client| async move {
            let found = client
                .query_one("SELECT to_regclass('credlink_proofs') IS NOT NULL", &[])
                .await;
            (found.map(|row| row.get::<_, bool>(0)), client)
        })?;
        match there {
            true => Ok(store),
            false => Err(StoreError::Missing(store.name)),
        }
    }

    /// Makes the table where it is missing.
    pub(super) fn create(url: &str, name: String) -> Result<Self, StoreError> {
        let store = Self::at(url, name)?;
        store.asked("make", |mut client| async move {
            let made = async {
                let making = client.transaction().await?;
                // Two that make it at once would stand in each other's way.
                making.batch_execute(LOCK).await?;
                making.batch_execute(TABLE).await?;
                making.commit().await
            };
            (made.await, client)
        })?;
        Ok(store)
    }

    fn at(url: &str, name: String) -> Result<Self, StoreError> {
        let mut config: Config = url.parse().map_err(says("read the URL of"))?;
        if config.get_password().is_none()
            && let Ok(password) = std::env::var("PGPASSWORD")
        {
            config.password(password);
        }
        config.connect_timeout(CONNECTING);
        Ok(Self {
            name,
            pool: Arc::new(Pool {
                config,
                idle: Mutex::new(Vec::new()),
                places: Arc::new(Semaphore::new(CONNECTIONS)),
            }),
            wire: Wire::new()?,
        })
    }

    /// Asks on a connection of the pool, which goes back there where the question was answered.
    fn asked<T, F>(
        &self,
        action: &'static str,
        ask: impl FnOnce(Client) -> F + Send + 'static,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = (Result<T, tokio_postgres::Error>, Client)> + Send,
    {
        let pool = Arc::clone(&self.pool);
        self.wire.wait(action, async move {
            let Lent { client, _place } = pool.lent().await?;
            let (answer, client) = ask(client).await;
            let answer = answer.map_err(says(action))?;
            pool.back(Lent { client, _place });
            Ok(answer)
        })
    }

    /// The rows that a question gives.
    fn rows(
        &self,
        question: &'static str,
        about: Vec<Box<dyn ToSql + Send + Sync>>,
    ) -> Result<Vec<Row>, StoreError> {
        self.asked("read", move |client| async move {
            let about: Vec<&(dyn ToSql + Sync)> = about
                .iter()
                .map(|one| &**one as &(dyn ToSql + Sync))
                .collect();
            let found = client.query(question, &about).await;
            (found, client)
        })
    }

    fn bytes(&self, question: &'static str, id: ProofId) -> Result<Option<Vec<u8>>, StoreError> {
        let rows = self.rows(question, vec![Box::new(signed(id))])?;
        Ok(rows.first().map(|row| row.get(0)))
    }
}

fn looks_of(row: &Row) -> Result<Resident, StoreError> {
    resident(unsigned(row.get(0)), row.get::<_, &[u8]>(1))
}

impl Keeper for Postgres {
    fn name(&self) -> &str {
        &self.name
    }

    fn insert(&self, proofs: &[Proof]) -> Vec<Result<(), StoreError>> {
        let columns = Columns::of(proofs);
        let written = columns.and_then(|columns| {
            self.asked("write", |mut client| async move {
                let written = async {
                    let writing = client.transaction().await?;
                    writing.batch_execute(LOCK).await?;
                    let rows = writing.query(INSERT, &columns.parameters()).await?;
                    writing.commit().await?;
                    Ok(rows.iter().map(|row| row.get(0)).collect())
                };
                (written.await, client)
            })
        });
        let mut added: BTreeSet<i64> = match written {
            Ok(added) => added,
            Err(error) => return vec![Err(error); proofs.len()],
        };
        // An id that came twice was added once: for whoever came first.
        let each = proofs.iter().map(|proof| {
            let id = proof.record.id;
            match added.remove(&signed(id)) {
                true => Ok(()),
                false => Err(StoreError::Duplicate(id)),
            }
        });
        each.collect()
    }

    fn record(&self, id: ProofId) -> Result<Option<ProofRecord>, StoreError> {
        let found = self.bytes("SELECT record FROM credlink_proofs WHERE id = $1", id)?;
        super::record_of(id, found.as_deref())
    }

    fn records(&self, ids: &[ProofId]) -> Result<Vec<Option<ProofRecord>>, StoreError> {
        let question = "SELECT id, record FROM credlink_proofs WHERE id = ANY($1)";
        let wanted: Vec<i64> = ids.iter().copied().map(signed).collect();
        let rows = self.rows(question, vec![Box::new(wanted)])?;
        let found = rows.iter().map(|row| (unsigned(row.get(0)), row));
        let found: BTreeMap<ProofId, &Row> = found.collect();
        let text = |id| found.get(id).map(|row| row.get::<_, &[u8]>(1));
        ids.iter()
            .map(|id| super::record_of(*id, text(id)))
            .collect()
    }

    fn manifest(&self, id: ProofId) -> Result<Option<Vec<u8>>, StoreError> {
        self.bytes("SELECT manifest FROM credlink_proofs WHERE id = $1", id)
    }

    fn points(&self, ids: &[ProofId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let question = "SELECT id, points FROM credlink_proofs WHERE id = ANY($1)";
        let wanted: Vec<i64> = ids.iter().copied().map(signed).collect();
        let rows = self.rows(question, vec![Box::new(wanted)])?;
        let found = rows.iter().map(|row| (unsigned(row.get(0)), row));
        let found: BTreeMap<ProofId, &Row> = found.collect();
        let points = |id| {
            found
                .get(id)
                .and_then(|row| row.get::<_, Option<Vec<u8>>>(1))
        };
        Ok(ids.iter().map(points).collect())
    }

    fn points_of_all(&self, each: &mut dyn FnMut(ProofId, Points)) -> Result<(), StoreError> {
        let mut after = -1_i64;
        loop {
            let rows = self.rows(
                "SELECT id, record, points, number FROM credlink_proofs WHERE number > $1 AND points IS NOT NULL ORDER BY number LIMIT $2",
                vec![Box::new(after), Box::new(POINTS_TOGETHER)],
            )?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            after = last.get(3);
            for row in &rows {
                let id = unsigned(row.get(0));
                let record = super::record_of(id, Some(row.get(1)))?;
                if let Some(record) = record {
                    each(id, super::points(&record, row.get(2))?);
                }
            }
        }
    }

    fn by_urn(&self, urn: &str) -> Result<Option<ProofId>, StoreError> {
        // No label holds one, and the database takes none.
        if urn.contains('\0') {
            return Ok(None);
        }
        let rows = self.rows(
            "SELECT id FROM credlink_proofs WHERE urn = $1",
            vec![Box::new(urn.to_owned())],
        )?;
        Ok(rows.first().map(|row| unsigned(row.get(0))))
    }

    fn by_file(&self, sha256: &[u8; 32]) -> Result<Vec<ProofId>, StoreError> {
        let rows = self.rows(
            "SELECT id FROM credlink_proofs WHERE file = $1",
            vec![Box::new(sha256.to_vec())],
        )?;
        let mut ids: Vec<ProofId> = rows.iter().map(|row| unsigned(row.get(0))).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    fn residents(&self, each: &mut dyn FnMut(Resident)) -> Result<(), StoreError> {
        let pool = Arc::clone(&self.pool);
        let read = async move {
            let Lent { client, _place } = pool.lent().await?;
            let (mut all, mut after) = (Vec::new(), -1_i64);
            loop {
                let question = "SELECT id, looks, number FROM credlink_proofs WHERE number > $1 ORDER BY number LIMIT $2";
                let rows = client.query(question, &[&after, &TOGETHER]).await;
                let rows = rows.map_err(says("read"))?;
                let Some(last) = rows.last() else { break };
                after = last.get(2);
                for row in &rows {
                    all.push(looks_of(row)?);
                }
            }
            pool.back(Lent { client, _place });
            Ok(all)
        };
        let mut all = self.wire.wait_for(READING_ALL, "read", read)?;
        all.sort_unstable_by_key(|resident| resident.id);
        all.into_iter().for_each(each);
        Ok(())
    }

    fn count(&self) -> Result<u64, StoreError> {
        let rows = self.rows("SELECT count(*) FROM credlink_proofs", Vec::new())?;
        let count: i64 = rows.first().map_or(0, |row| row.get(0));
        Ok(count.cast_unsigned())
    }

    fn answers(&self) -> Result<(), StoreError> {
        let question = "SELECT id FROM credlink_proofs LIMIT 1";
        self.rows(question, Vec::new()).map(drop)
    }

    fn mark(&self) -> Result<Option<u64>, StoreError> {
        let question = "SELECT coalesce(max(number), 0) FROM credlink_proofs";
        let rows = self.rows(question, Vec::new())?;
        let mark: i64 = rows.first().map_or(0, |row| row.get(0));
        Ok(Some(mark.cast_unsigned()))
    }

    fn added_since(&self, mark: u64, each: &mut dyn FnMut(Resident)) -> Result<u64, StoreError> {
        let rows = self.rows(
            "SELECT id, looks, number FROM credlink_proofs WHERE number > $1 ORDER BY number LIMIT $2",
            vec![Box::new(mark.cast_signed()), Box::new(TOGETHER)],
        )?;
        for row in &rows {
            each(looks_of(row)?);
        }
        Ok(rows
            .last()
            .map_or(mark, |row| row.get::<_, i64>(2).cast_unsigned()))
    }
}

/// Proofs, column by column.
struct Columns {
    ids: Vec<i64>,
    records: Vec<Vec<u8>>,
    manifests: Vec<Vec<u8>>,
    points: Vec<Option<Vec<u8>>>,
    looks: Vec<Vec<u8>>,
    urns: Vec<String>,
    files: Vec<Vec<u8>>,
}

impl Columns {
    fn of(proofs: &[Proof]) -> Result<Self, StoreError> {
        let records = proofs.iter().map(|proof| super::text_of(&proof.record));
        Ok(Self {
            ids: proofs.iter().map(|proof| signed(proof.record.id)).collect(),
            records: records.collect::<Result<_, _>>()?,
            manifests: proofs.iter().map(|proof| proof.manifest.clone()).collect(),
            points: proofs
                .iter()
                .map(|proof| proof.record.points.map(|_| proof.points.to_bytes()))
                .collect(),
            looks: proofs
                .iter()
                .map(|proof| looks(&proof.record).into())
                .collect(),
            urns: proofs.iter().map(|proof| proof.urn.clone()).collect(),
            files: proofs
                .iter()
                .map(|proof| proof.record.signed_sha256.into())
                .collect(),
        })
    }

    fn parameters(&self) -> [&(dyn ToSql + Sync); 7] {
        [
            &self.ids,
            &self.records,
            &self.manifests,
            &self.points,
            &self.looks,
            &self.urns,
            &self.files,
        ]
    }
}
