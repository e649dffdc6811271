//! Where the parts of proofs are, in one table of DynamoDB.
//!
//! Proofs, labels and the next number of the log are written in one transaction, each on condition that there is none: no id is
//! given twice, whoever asks, and whoever reads the log in order misses nothing. The index `file` finds proofs by their signed
//! file; it follows the table within moments, as every secondary index does. All else is read as it is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, CancellationReason, GlobalSecondaryIndex, KeySchemaElement,
    KeyType, KeysAndAttributes, Projection, ProjectionType, Put,
    ReturnValuesOnConditionCheckFailure, ScalarAttributeType, TableStatus, TransactWriteItem,
};
use credlink_sign_core::ProofId;
use credlink_sign_core::store::Resident;
use futures_util::{StreamExt as _, TryStreamExt as _};

use super::Digest;
use super::items::{
    End, Entry, FILE, Item, KEY, Parts, TOTAL, WRITER, bytes, key_of, labelled, log_item, log_key,
    logged, proof_key, proof_of, text, total_of, urn_key,
};
use crate::store::wire::says;
use crate::store::{StoreError, failed};

/// Proofs of a transaction at most: each is two items, and a transaction has a hundred.
pub(super) const TOGETHER: usize = 32;
/// Items that one question may name, and questions that are asked at once.
const ASKED: usize = 100;
const AT_ONCE: usize = 8;
/// How long a transaction waits that met another, at first; then twice as long, up to 16 times.
const STEP_BACK: Duration = Duration::from_millis(10);
/// How often, and at most how often, it is looked whether a table is ready.
const READY_EVERY: Duration = Duration::from_millis(500);
const READY_LOOKS: usize = 200;
/// How far the end of the log is looked for: 2 to this number on.
const FARTHEST: u32 = 40;

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    client: Client,
    name: String,
    /// How far the log was known to go: it goes at least so far for ever.
    end: Mutex<End>,
}

/// What came of a transaction.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    /// All of it is written.
    Written,
    /// All of it was written before, by an attempt whose answer was lost, under a number that is not known.
    WrittenBefore,
    /// None of it is: of the proofs, these are there already.
    Taken(BTreeSet<ProofId>),
    /// None of it is: somebody else has the number of the log, or was writing at the same time.
    Met,
}

impl Table {
    pub(super) fn new(client: Client, name: String) -> Self {
        Self {
            client,
            name,
            end: Mutex::default(),
        }
    }

    async fn status(&self) -> Result<Option<TableStatus>, StoreError> {
        let described = self.client.describe_table().table_name(&self.name).send();
        match described.await {
            Ok(described) => Ok(described
                .table()
                .and_then(|table| table.table_status())
                .cloned()),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(says("reach", &error)),
        }
    }

    /// Whether there is such a table.
    pub(super) async fn is_there(&self) -> Result<bool, StoreError> {
        Ok(self.status().await?.is_some())
    }

    /// Makes the table and its index where there is none, and waits until it can be used.
    pub(super) async fn create(&self) -> Result<(), StoreError> {
        if !self.is_there().await? {
            self.make().await?;
        }
        for _ in 0..READY_LOOKS {
            if self.status().await? == Some(TableStatus::Active) {
                return Ok(());
            }
            tokio::time::sleep(READY_EVERY).await;
        }
        Err(failed("make")(&"the table does not become active"))
    }

    async fn make(&self) -> Result<(), StoreError> {
        let wrong = |error: aws_sdk_dynamodb::error::BuildError| says("make", &error);
        let named = |name, kind| {
            let named = AttributeDefinition::builder().attribute_name(name);
            named.attribute_type(kind).build().map_err(wrong)
        };
        let hashed = |name| {
            let hashed = KeySchemaElement::builder().attribute_name(name);
            hashed.key_type(KeyType::Hash).build().map_err(wrong)
        };
        let keys_only = Projection::builder()
            .projection_type(ProjectionType::KeysOnly)
            .build();
        let by_file = GlobalSecondaryIndex::builder()
            .index_name(FILE)
            .key_schema(hashed(FILE)?)
            .projection(keys_only)
            .build()
            .map_err(wrong)?;
        let made = self
            .client
            .create_table()
            .table_name(&self.name)
            .attribute_definitions(named(KEY, ScalarAttributeType::S)?)
            .attribute_definitions(named(FILE, ScalarAttributeType::B)?)
            .key_schema(hashed(KEY)?)
            .global_secondary_indexes(by_file)
            .billing_mode(BillingMode::PayPerRequest)
            .send()
            .await;
        match made {
            Ok(_) => Ok(()),
            // Somebody else makes it.
            Err(error) if error.code() == Some("ResourceInUseException") => Ok(()),
            Err(error) => Err(says("make", &error)),
        }
    }

    /// Adds proofs, [`TOGETHER`] at most; whether each is added, in order. All that are added are durable when it returns.
    /// `writer` is unlike that of any other call.
    pub(super) async fn add(
        &self,
        entries: &[Entry],
        writer: &str,
    ) -> Result<Vec<bool>, StoreError> {
        let (mut ids, mut urns) = (BTreeSet::new(), BTreeSet::new());
        // An id that comes twice is added once: for whoever came first.
        let is_first: Vec<bool> = entries
            .iter()
            .map(|entry| ids.insert(entry.id) & urns.insert(&entry.urn))
            .collect();
        let mut open: Vec<&Entry> = entries
            .iter()
            .zip(&is_first)
            .filter_map(|(entry, is_first)| is_first.then_some(entry))
            .collect();
        let mut attempt = 0;
        while !open.is_empty() {
            let before = match attempt {
                0 => self.known_end(),
                _ => self.end().await?,
            };
            let end = End {
                number: before.number + 1,
                total: before.total + open.len() as u64,
            };
            match self.transact(end, &open, writer, attempt).await? {
                Came::Written => {
                    self.know(end);
                    break;
                }
                // To take its number for the end could leave a gap in the log.
                Came::WrittenBefore => break,
                Came::Taken(taken) => open.retain(|entry| !taken.contains(&entry.id)),
                Came::Met => {
                    // Those who met must not meet again.
                    let luck = u32::from(writer.as_bytes().last().copied().unwrap_or(0) % 8) + 1;
                    let longer = 1_u32 << attempt.min(4);
                    tokio::time::sleep(STEP_BACK * longer * luck / 4).await;
                }
            }
            attempt += 1;
        }
        let added: BTreeSet<ProofId> = open.iter().map(|entry| entry.id).collect();
        Ok(entries
            .iter()
            .zip(is_first)
            .map(|(entry, is_first)| is_first && added.contains(&entry.id))
            .collect())
    }

    async fn transact(
        &self,
        end: End,
        open: &[&Entry],
        writer: &str,
        attempt: u32,
    ) -> Result<Came, StoreError> {
        let mut items = vec![log_item(end, open, writer)];
        for entry in open {
            items.extend([entry.item(writer), entry.label(writer)]);
        }
        let puts: Result<Vec<TransactWriteItem>, _> = items
            .into_iter()
            .map(|item| {
                let put = Put::builder().table_name(&self.name).set_item(Some(item));
                let put = put.condition_expression(format!("attribute_not_exists({KEY})"));
                let put = put.return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                );
                put.build()
                    .map(|put| TransactWriteItem::builder().put(put).build())
            })
            .collect();
        let puts = puts.map_err(|error| says("write", &error))?;
        let write = self.client.transact_write_items();
        let write = write.set_transact_items(Some(puts));
        let sent = write
            .client_request_token(format!("{writer}-{attempt}"))
            .send()
            .await;
        let Err(error) = sent else {
            return Ok(Came::Written);
        };
        match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                came(cancelled.cancellation_reasons(), open, writer)
                    .ok_or_else(|| says("write", &error))
            }
            Some(TransactWriteItemsError::TransactionInProgressException(_)) => Ok(Came::Met),
            _ => Err(says("write", &error)),
        }
    }

    fn known_end(&self) -> End {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn know(&self, end: End) {
        let mut known = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        if end.number > known.number {
            *known = end;
        }
    }

    /// The end of the log, by some questions more the farther it is from where it was known to go.
    pub(super) async fn end(&self) -> Result<End, StoreError> {
        let mut end = self.known_end();
        // Nothing is there from here on: numbers have no gap.
        let mut beyond = u64::MAX;
        // Whoever follows is at the end nearly always: a single number tells him so.
        let mut reach = 1;
        loop {
            let free = beyond - end.number - 1;
            if free == 0 {
                break;
            }
            // From the known end twice as far each time; then evenly between what is there and what is not.
            let numbers: BTreeSet<u64> = match beyond {
                u64::MAX => (0..reach).map(|power| end.number + (1 << power)).collect(),
                _ => {
                    let places = free.min(ASKED as u64);
                    (1..=places)
                        .map(|place| end.number + (free * place).div_ceil(places))
                        .collect()
                }
            };
            reach = FARTHEST;
            let keys = numbers.iter().map(|number| log_key(*number)).collect();
            let found = self.ask(keys, Some(TOTAL)).await?;
            for number in numbers {
                match found.get(&log_key(number)) {
                    Some(item) => {
                        let total = total_of(number, item)?;
                        end = End { number, total };
                    }
                    None => {
                        beyond = number;
                        break;
                    }
                }
            }
        }
        self.know(end);
        Ok(end)
    }

    /// What was added after a number of the log, in order, a part of it where that is much; the last number of those.
    pub(super) async fn log(&self, after: u64) -> Result<(Vec<Resident>, u64), StoreError> {
        let end = match self.known_end() {
            known if known.number > after => known,
            _ => self.end().await?,
        };
        let last = end.number.min(after + (ASKED * AT_ONCE) as u64);
        let found = self
            .ask((after + 1..=last).map(log_key).collect(), None)
            .await?;
        let mut residents = Vec::new();
        for number in after + 1..=last {
            residents.extend(logged(number, found.get(&log_key(number)))?);
        }
        Ok((residents, last.max(after)))
    }

    /// Where the parts of proofs are, of those that are there.
    pub(super) async fn parts(
        &self,
        ids: &[ProofId],
    ) -> Result<BTreeMap<ProofId, Parts>, StoreError> {
        let keys: BTreeSet<String> = ids.iter().copied().map(proof_key).collect();
        let found = self.ask(keys.into_iter().collect(), None).await?;
        let mut all = BTreeMap::new();
        for (key, item) in found {
            if let Some(id) = proof_of(&key) {
                let what = "the entry of its table";
                let parts = Parts::of(&item).ok_or(StoreError::Damaged { id, what })?;
                all.insert(id, parts);
            }
        }
        Ok(all)
    }

    pub(super) async fn by_urn(&self, urn: &str) -> Result<Option<ProofId>, StoreError> {
        let key = urn_key(urn);
        let found = self.ask(vec![key.clone()], None).await?;
        found.get(&key).map(|item| labelled(urn, item)).transpose()
    }

    /// By the secondary index.
    pub(super) async fn by_file(&self, file: &Digest) -> Result<Vec<ProofId>, StoreError> {
        let query = self.client.query().table_name(&self.name).index_name(FILE);
        let query = query
            .key_condition_expression("#file = :file")
            .expression_attribute_names("#file", FILE)
            .expression_attribute_values(":file", bytes(*file));
        let mut pages = query.into_paginator().items().send();
        let mut ids = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(|error| says("read", &error))?;
            ids.extend(key_of(&item).and_then(proof_of));
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// The items of these keys, as they are at the moment. No key comes twice.
    async fn ask(
        &self,
        keys: Vec<String>,
        attribute: Option<&'static str>,
    ) -> Result<HashMap<String, Item>, StoreError> {
        let questions = keys.chunks(ASKED).map(<[String]>::to_vec);
        let questions: Vec<Vec<String>> = questions.collect();
        let answers = futures_util::stream::iter(questions)
            .map(|keys| self.ask_once(keys, attribute))
            .buffer_unordered(AT_ONCE);
        answers
            .try_fold(HashMap::new(), |mut all, some| async move {
                all.extend(some);
                Ok(all)
            })
            .await
    }

    async fn ask_once(
        &self,
        keys: Vec<String>,
        attribute: Option<&'static str>,
    ) -> Result<HashMap<String, Item>, StoreError> {
        let mut wanted = KeysAndAttributes::builder().consistent_read(true);
        for key in keys {
            wanted = wanted.keys(Item::from([(KEY.to_owned(), text(key))]));
        }
        if let Some(attribute) = attribute {
            wanted = wanted
                .projection_expression("#pk, #attribute")
                .expression_attribute_names("#pk", KEY)
                .expression_attribute_names("#attribute", attribute);
        }
        let mut wanted = wanted.build().map_err(|error| says("read", &error))?;
        let mut all = HashMap::new();
        let mut wait = STEP_BACK;
        loop {
            let asked = self.client.batch_get_item();
            let asked = asked.request_items(&self.name, wanted).send().await;
            let mut answer = asked.map_err(|error| says("read", &error))?;
            let items = answer
                .responses
                .as_mut()
                .and_then(|all| all.remove(&self.name));
            for item in items.unwrap_or_default() {
                if let Some(key) = key_of(&item) {
                    all.insert(key.to_owned(), item);
                }
            }
            let left = answer.unprocessed_keys.as_mut();
            match left.and_then(|left| left.remove(&self.name)) {
                Some(left) => wanted = left,
                None => return Ok(all),
            }
            // Too much was asked for at once.
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(STEP_BACK * 16);
        }
    }
}

/// What a cancelled transaction means, or `None` where it is an error: its reasons come in the order of its items, which are
/// the log, then proof and label of each entry.
fn came(reasons: &[CancellationReason], open: &[&Entry], writer: &str) -> Option<Came> {
    let exists = |reason: &CancellationReason| reason.code() == Some("ConditionalCheckFailed");
    let is_ours = |reason: &CancellationReason| {
        let by = reason.item().and_then(|item| item.get(WRITER));
        by.and_then(|by| by.as_s().ok())
            .is_some_and(|by| by == writer)
    };
    if reasons
        .iter()
        .any(|reason| exists(reason) && is_ours(reason))
    {
        return Some(Came::WrittenBefore);
    }
    let (log, proofs) = reasons.split_first()?;
    let taken: BTreeSet<ProofId> = proofs
        .chunks(2)
        .zip(open)
        .filter(|(both, _)| both.iter().any(exists))
        .map(|(_, entry)| entry.id)
        .collect();
    if !taken.is_empty() {
        return Some(Came::Taken(taken));
    }
    let met = |reason: &CancellationReason| {
        matches!(
            reason.code(),
            Some("TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded")
        )
    };
    (exists(log) || reasons.iter().any(met)).then_some(Came::Met)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::LOOKS;

    fn entry(number: u64) -> Entry {
        Entry {
            id: ProofId::new(number),
            parts: Parts {
                record: [1; 32],
                manifest: [2; 32],
                points: None,
            },
            looks: [0; LOOKS],
            urn: format!("urn:c2pa:{number}"),
            file: [3; 32],
        }
    }

    /// Of a transaction of two proofs: by item, who has its key, or "conflict".
    fn came_of(holders: [Option<&str>; 5]) -> Option<Came> {
        let reasons = holders.map(|holder| {
            let reason = CancellationReason::builder();
            match holder {
                None => reason.code("None"),
                Some("conflict") => reason.code("TransactionConflict"),
                Some(writer) => reason
                    .code("ConditionalCheckFailed")
                    .item(WRITER, text(writer)),
            }
            .build()
        });
        let (first, second) = (entry(1), entry(2));
        came(&reasons, &[&first, &second], "me")
    }

    #[test]
    fn a_cancelled_transaction_says_what_to_do_next() {
        let none = None;
        let taken = |id| Some(Came::Taken(BTreeSet::from([ProofId::new(id)])));
        assert_eq!(
            came_of([Some("you"), none, none, none, none]),
            Some(Came::Met)
        );
        assert_eq!(
            came_of([none, none, none, none, Some("conflict")]),
            Some(Came::Met)
        );
        assert_eq!(came_of([none, Some("you"), none, none, none]), taken(1));
        // By its label alone, and whatever became of the log.
        assert_eq!(
            came_of([Some("you"), none, none, none, Some("you")]),
            taken(2)
        );
        assert_eq!(
            came_of([none; 5]),
            None,
            "cancelled for no reason is an error"
        );
    }

    /// An attempt whose answer was lost wrote under the number of that attempt, and the next one asks for another: that one is
    /// not in the log, and whoever went on from it would leave a gap that no follower crosses.
    #[test]
    fn what_was_written_before_is_not_at_the_end_that_was_asked_for() {
        let mine = Some("me");
        assert_eq!(
            came_of([None, mine, mine, mine, mine]),
            Some(Came::WrittenBefore)
        );
        assert_eq!(came_of([mine; 5]), Some(Came::WrittenBefore));
    }
}
