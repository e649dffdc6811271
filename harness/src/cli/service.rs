//! What can be typed about the service and its store.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use credlink_service::settings::Wanted;

use super::DEFAULT_KEYS;

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) wanted: Wanted,
    /// A file (TOML) with the same settings, named with underscores; flags and the environment come before it.
    #[arg(long, value_name = "FILE", env = "CREDLINK_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// Print the settings, none of which is secret, and do nothing else.
    #[arg(long)]
    pub(crate) show_config: bool,
    /// Print the description of the routes (OpenAPI 3.1), and do nothing else.
    #[arg(long)]
    pub(crate) show_openapi: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StoreArgs {
    #[command(subcommand)]
    pub(crate) command: StoreCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Make what is missing at a URL.
    Init {
        /// redb:PATH, postgres://…, or s3://BUCKET+dynamodb://TABLE
        #[arg(value_name = "URL")]
        url: String,
    },
    /// Copy every proof that the second store does not hold; nothing is overwritten.
    Copy {
        /// The store that is read.
        #[arg(value_name = "FROM")]
        from: String,
        /// The store that is added to; made if absent.
        #[arg(value_name = "TO")]
        to: String,
    },
    /// Look at every proof: whether its record is signed by our key, and its manifest the recorded one.
    Check {
        /// The store.
        #[arg(value_name = "URL")]
        url: String,
        /// The folder with our certificates.
        #[arg(long, value_name = "DIR", default_value = DEFAULT_KEYS)]
        keys: PathBuf,
    },
}
