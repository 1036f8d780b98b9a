//! The archive of services' images, and the one layer of each.

use std::io;

use super::ServiceImage;
use super::layout::{Layer, Layout, append};

/// A layer with one file: `/{name}`, executable by everyone.
pub(super) fn layer(name: &str, binary: &[u8]) -> io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::with_capacity(binary.len() + 4096));
    append(&mut tar, name, binary, 0o755)?;
    tar.into_inner()
}

/// Several images in one archive: one import instead of one for each. Takes a moment: not for an async task.
///
/// # Errors
/// Only if writing into memory fails.
pub fn archive(images: &[ServiceImage]) -> io::Result<Vec<u8>> {
    let mut layout = Layout::new(Vec::new());
    for image in images {
        let layer = Layer::read(image.layer.bytes.as_slice())?;
        layout.add(&image.reference, &image.config, &[&layer])?;
    }
    layout.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::image::layout::tests::{described, files};

    #[test]
    fn everything_the_manifest_names_is_there_under_its_digest() {
        let images = ["storefront", "order-service"]
            .map(|service| ServiceImage::pack(service, "amd64", service.as_bytes()).unwrap());
        let files = files(&archive(&images).unwrap());
        let index: Value = serde_json::from_slice(&files["index.json"]).unwrap();
        assert_eq!(index["manifests"].as_array().unwrap().len(), 2);
        for (entry, image) in index["manifests"].as_array().unwrap().iter().zip(&images) {
            let name = &entry["annotations"]["io.containerd.image.name"];
            assert_eq!(*name, image.reference().canonical());
            let manifest: Value = serde_json::from_slice(described(&files, entry)).unwrap();
            let config = described(&files, &manifest["config"]);
            assert_eq!(const_hex::encode(Sha256::digest(config)), image.id());
            let layer = zstd::decode_all(described(&files, &manifest["layers"][0])).unwrap();
            let config: Value = serde_json::from_slice(config).unwrap();
            let digest = format!("sha256:{}", const_hex::encode(Sha256::digest(layer)));
            assert_eq!(config["rootfs"]["diff_ids"][0], digest.as_str());
            assert_eq!(config["config"]["User"], "10001:10001");
        }
    }

    #[test]
    fn the_binary_is_executable_and_the_entry_point() {
        let bytes = layer("order-service", b"binary").unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let entry = archive.entries().unwrap().next().unwrap().unwrap();
        let header = entry.header();
        assert_eq!(
            (
                header.mode().unwrap(),
                header.mtime().unwrap(),
                header.uid().unwrap()
            ),
            (0o755, 0, 0)
        );
        assert_eq!(entry.path().unwrap().to_str(), Some("order-service"));
    }

    #[test]
    fn packing_twice_gives_the_same_bytes() {
        let pack = || archive(&[ServiceImage::pack("storefront", "amd64", &[7; 100_000]).unwrap()]).unwrap();
        assert_eq!(pack(), pack());
    }
}
