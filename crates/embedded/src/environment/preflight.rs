//! What must be there before the environment can come up.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use testbed::Missing;
use tokio::net::TcpListener;

use super::{LOOPBACK, ServiceBinaries};

const BUILD: &str = "cargo build --package storefront --package order-service --package inventory-service";

/// Everything that the services and their Services need and is missing, at once.
pub async fn missing(binaries: &ServiceBinaries) -> Vec<Missing> {
    let ServiceBinaries {
        storefront,
        order,
        inventory,
    } = binaries;
    let mut missing: Vec<_> = [storefront, order, inventory]
        .into_iter()
        .filter_map(|binary| unusable(binary))
        .collect();
    if let Err(error) = TcpListener::bind(LOOPBACK).await {
        missing.push(Missing {
            fact: format!("no port can be opened on {}: {error}", LOOPBACK.ip()),
            cure: "bring the loopback interface up: `ip link set lo up`".to_owned(),
        });
    }
    missing
}

fn unusable(binary: &Path) -> Option<Missing> {
    let (reason, cure) = match fs::metadata(binary) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            ("is not there".to_owned(), format!("`{BUILD}`"))
        }
        Err(error) => (
            format!("cannot be looked at: {error}"),
            format!("see `ls -l {}`", binary.display()),
        ),
        Ok(found) if !found.is_file() => ("is no file".to_owned(), format!("`{BUILD}`")),
        Ok(found) if found.permissions().mode() & 0o111 == 0 => (
            "is not executable".to_owned(),
            format!("`chmod +x {}`", binary.display()),
        ),
        Ok(_) => return None,
    };
    Some(Missing {
        fact: format!("{} {reason}", binary.display()),
        cure,
    })
}
