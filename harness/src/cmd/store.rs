//! `credlink store`: the store of a service, from outside.

use anyhow::{Context, Result};
use credlink_harness::exit;
use credlink_service::store::{Keeper, Proof, StoreError, StoreUrl, is_manifest_of, points};
use credlink_sign_core::keys::TrustAnchor;
use credlink_sign_core::local::Points;
use credlink_sign_core::store::Resident;
use credlink_sign_core::{ProofId, manifest};

use crate::cli::{StoreArgs, StoreCommand};

/// Proofs that are copied together.
const TOGETHER: usize = 256;

pub(crate) fn run(args: &StoreArgs) -> Result<u8> {
    match &args.command {
        StoreCommand::Init { url } => {
            let store = url.parse::<StoreUrl>()?.init()?;
            super::say(&format!("{}: {} proofs", store.name(), store.count()?))?;
            Ok(exit::OK)
        }
        StoreCommand::Copy { from, to } => {
            let from = from.parse::<StoreUrl>()?.open()?;
            let to = to.parse::<StoreUrl>()?.init()?;
            copy(&*from, &*to)
        }
        StoreCommand::Check { url, keys } => {
            let anchor = TrustAnchor::load(keys)
                .with_context(|| format!("failed to load certificates from {}", keys.display()))?;
            check(&*url.parse::<StoreUrl>()?.open()?, &anchor)
        }
    }
}

fn ids(store: &dyn Keeper) -> Result<Vec<ProofId>, StoreError> {
    let mut ids = Vec::new();
    store.residents(&mut |resident| ids.push(resident.id))?;
    Ok(ids)
}

/// A proof with all that belongs to it.
///
/// # Errors
/// [`StoreError::Damaged`] where a part of it is missing, or is not what was stored.
fn whole(store: &dyn Keeper, id: ProofId) -> Result<Proof, StoreError> {
    let lacks = |what| StoreError::Damaged { id, what };
    let record = store.record(id)?.ok_or_else(|| lacks("the record"))?;
    let manifest = store.manifest(id)?.ok_or_else(|| lacks("the manifest"))?;
    if record.id != id || !is_manifest_of(&manifest, &record) {
        return Err(lacks("the manifest"));
    }
    let points = match record.points {
        None => Points::default(),
        Some(_) => {
            let mut all = store.points(&[id])?;
            let bytes = all.pop().flatten().ok_or_else(|| lacks("the points"))?;
            points(&record, &bytes)?
        }
    };
    Ok(Proof {
        urn: manifest::label(id),
        record,
        manifest,
        points,
    })
}

fn copy(from: &dyn Keeper, to: &dyn Keeper) -> Result<u8> {
    let (mut copied, mut there, mut faults) = (0_u64, 0_u64, Vec::new());
    for some in ids(from)?.chunks(TOGETHER) {
        let mut proofs = Vec::with_capacity(some.len());
        for id in some {
            match whole(from, *id) {
                Ok(proof) => proofs.push(proof),
                Err(error @ StoreError::Damaged { .. }) => faults.push(error.to_string()),
                Err(error) => return Err(error.into()),
            }
        }
        for (proof, answer) in proofs.iter().zip(to.insert(&proofs)) {
            match answer {
                Ok(()) => copied += 1,
                Err(StoreError::Duplicate(id)) if to.record(id)? == Some(proof.record.clone()) => {
                    there += 1;
                }
                Err(StoreError::Duplicate(id)) => {
                    faults.push(format!("{} holds another proof {id}", to.name()));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
    super::say(&format!(
        "{copied} proofs copied to {}, {there} were there already",
        to.name()
    ))?;
    told(&faults)
}

fn check(store: &dyn Keeper, anchor: &TrustAnchor) -> Result<u8> {
    let (mut sound, mut faults) = (0_u64, Vec::new());
    let mut residents = Vec::new();
    store.residents(&mut |resident| residents.push(resident))?;
    let count = store.count()?;
    if count != residents.len() as u64 {
        faults.push(format!(
            "{count} records, and {} fingerprints",
            residents.len()
        ));
    }
    for resident in residents {
        let id = resident.id;
        let urn = manifest::label(id);
        match whole(store, id) {
            Ok(proof) if !proof.record.is_signed_under(anchor) => {
                faults.push(format!("the record of proof {id} is not signed by our key"));
            }
            Ok(proof) if Resident::of(&proof.record) != resident => {
                faults.push(format!(
                    "proof {id} is looked up by another fingerprint than that of its record"
                ));
            }
            Ok(_) if store.by_urn(&urn)? != Some(id) => {
                faults.push(format!(
                    "proof {id} is not found by the label of its manifest"
                ));
            }
            Ok(proof) if !store.by_file(&proof.record.signed_sha256)?.contains(&id) => {
                faults.push(format!("proof {id} is not found by its file's digest"));
            }
            Ok(_) => sound += 1,
            Err(error @ StoreError::Damaged { .. }) => faults.push(error.to_string()),
            Err(error) => return Err(error.into()),
        }
    }
    super::say(&format!(
        "{}: {sound} of {count} proofs are as they were stored",
        store.name()
    ))?;
    told(&faults)
}

/// Names what was wrong, and the exit code that goes with it.
fn told(faults: &[String]) -> Result<u8> {
    for fault in faults {
        super::complain(&format!("error: {fault}"));
    }
    Ok(if faults.is_empty() {
        exit::OK
    } else {
        exit::DIFFERS
    })
}
