//! What is missing on a machine is told before anything is started.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use testbed::Environment;

use super::{EmbeddedEnvironment, Stage};

#[tokio::test]
async fn tells_everything_that_is_missing_at_once() {
    let stage = Stage::new();
    let mut config = stage.stand_ins().await;
    assert_eq!(EmbeddedEnvironment::new(config.clone()).preflight().await, []);
    config.binaries.order = stage.folder.path().join("no-such-file");
    config.binaries.storefront = stage.folder.path().to_owned();
    fs::set_permissions(&config.binaries.inventory, fs::Permissions::from_mode(0o644)).unwrap();
    let missing = EmbeddedEnvironment::new(config).preflight().await;
    let facts: Vec<_> = missing
        .iter()
        .map(|missing| missing.fact.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(facts.len(), 3, "{missing:?}");
    assert!(facts[0].ends_with(" is no file"), "{facts:?}");
    assert_eq!(
        facts[1..],
        ["no-such-file is not there", "inventory-service is not executable"]
    );
    assert!(
        missing[1].cure.contains("cargo build --package storefront"),
        "{missing:?}"
    );
    assert!(missing[2].cure.starts_with("`chmod +x "), "{missing:?}");
}
