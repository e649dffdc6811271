//! `credlink serve`.

use std::sync::Arc;

use anyhow::{Context, Result};
use credlink_harness::{exit, identity, serving};
use credlink_reports::RunDir;
use credlink_reports::beside::Portrait;
use credlink_service::admission::{Admission, Limits, read_keys};
use credlink_service::desk::{Desk, Parts};
use credlink_service::live::Live;
use credlink_service::routes::{App, description};
use credlink_service::server::Bound;
use credlink_service::settings::{Settings, Wanted};
use credlink_service::watch::Watch;
use credlink_sign_core::Signer;
use credlink_sign_core::keys::{Identity, WATERMARK_FILE};
use serde_json::{Map, Value};
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::ServeArgs;

pub(crate) fn run(args: &ServeArgs) -> Result<u8> {
    if args.show_openapi {
        super::say(&description().to_pretty_json()?)?;
        return Ok(exit::OK);
    }
    let file = match &args.config {
        Some(path) => Wanted::read(path)?,
        None => Wanted::default(),
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let settings = args.wanted.clone().or(file).settled(processors)?;
    if args.show_config {
        super::say(settings.text()?.trim_end())?;
        return Ok(exit::OK);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("failed to start")?;
    runtime.block_on(served(settings))?;
    // Work that nobody waits for any more is not waited for either.
    runtime.shutdown_background();
    Ok(exit::OK)
}

async fn served(settings: Settings) -> Result<()> {
    // The port first: where it is taken, no store is opened.
    let bound = Bound::at(settings.listen)
        .await
        .with_context(|| format!("cannot listen at {}", settings.listen))?;
    let address = bound.address();
    let app = Arc::new(app(settings, &address.to_string())?);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let end = async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    };
    super::say(&format!(
        "listening at http://{address}, {} proofs in {}",
        app.desk.live().len(),
        app.desk.live().keeper().name()
    ))?;
    bound.serve(app, end).await;
    Ok(())
}

fn app(settings: Settings, address: &str) -> Result<App> {
    let keys = settings.api_keys.as_deref().map(read_keys).transpose()?;
    let live = Live::over(settings.store.init()?)?;
    let public_url = match settings.public_url.trim_end_matches('/') {
        "" => format!("http://{address}"),
        named => named.to_owned(),
    };
    let last_run = settings
        .last_run
        .as_deref()
        .map(first_figures)
        .transpose()?;
    let limits = Limits {
        places: settings.places,
        workers: settings.workers,
        per_minute: settings.per_minute,
    };
    Ok(App {
        desk: Arc::new(desk(&settings, live)?),
        admission: Admission::new(keys, limits),
        watch: Watch::new(),
        public_url,
        last_run,
        settings,
    })
}

fn desk(settings: &Settings, live: Live) -> Result<Desk> {
    let folder = &settings.keys;
    let signer = || -> Result<Signer> {
        let identity = Identity::load(folder).with_context(|| {
            format!(
                "failed to load keys from {}; `credlink keys generate` makes some",
                folder.display()
            )
        })?;
        Ok(Signer::new(identity)?.with_base_url(&settings.base_url))
    };
    let marking = if folder.join(WATERMARK_FILE).exists() {
        let key = identity::loaded_watermark(folder)?.key()?;
        let marker = super::watermark::marker(key.clone(), None);
        Some((signer()?.with_marker(marker), key))
    } else {
        None
    };
    let parts = Parts {
        signer: signer()?,
        marking,
        live: Arc::new(live),
        host: Arc::new(serving::Host),
    };
    Ok(Desk::new(parts)?)
}

/// The first figures of a survival run, as the status page shows them.
fn first_figures(run: &std::path::Path) -> Result<Value> {
    let evidence = credlink_reports::load(&RunDir::open(run)?)
        .with_context(|| format!("failed to read the run {}", run.display()))?;
    let portrait = Portrait::of(&evidence)?;
    let mut figures = Map::new();
    figures.insert("run".to_owned(), portrait.run.into());
    figures.insert("began".to_owned(), portrait.created.into());
    for (name, figure) in portrait.figures {
        figures.insert(name, figure.into());
    }
    Ok(Value::Object(figures))
}
