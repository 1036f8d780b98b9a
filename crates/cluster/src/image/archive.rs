//! Tar archives: an image's layer, and the archive of images that `ctr images import` and `docker load` read
//! (`docker save`'s format, version 1.2 of the Docker image specification).

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde::Serialize;

use super::{Blob, ServiceImage};

/// A layer with one file: `/{name}`, executable by everyone.
pub(super) fn layer(name: &str, binary: &[u8]) -> io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::with_capacity(binary.len() + 4096));
    append(&mut tar, name, binary, 0o755)?;
    tar.into_inner()
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    config: String,
    repo_tags: [String; 1],
    layers: [String; 1],
}

/// Several images in one archive: one import instead of one for each.
///
/// # Errors
/// Only if writing into memory fails.
pub fn archive(images: &[ServiceImage]) -> io::Result<Vec<u8>> {
    let size: usize = images.iter().map(|image| image.layer.bytes.len() + 4096).sum();
    let mut tar = tar::Builder::new(Vec::with_capacity(size));
    let mut written = BTreeSet::new();
    let mut entries = Vec::with_capacity(images.len());
    for image in images {
        let layer = format!("{}.tar", image.layer.digest);
        let config = format!("{}.json", image.config.digest);
        let blobs: [(&String, &Blob); 2] = [(&layer, &image.layer), (&config, &image.config)];
        for (name, blob) in blobs {
            if written.insert(name.clone()) {
                append(&mut tar, name, &blob.bytes, 0o644)?;
            }
        }
        entries.push(Entry {
            config,
            repo_tags: [image.reference.tagged()],
            layers: [layer],
        });
    }
    append(&mut tar, "manifest.json", &serde_json::to_vec(&entries)?, 0o644)?;
    tar.into_inner()
}

fn append<W: Write>(tar: &mut tar::Builder<W>, name: &str, content: &[u8], mode: u32) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(mode);
    // Nobody's, and of no time: whatever differs between two runs would make another image of the same binary.
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    tar.append_data(&mut header, name, content)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read;

    use serde_json::Value;
    use sha2::{Digest, Sha256};

    use super::*;

    fn files(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
        let mut archive = tar::Archive::new(archive);
        let read = |entry: io::Result<tar::Entry<'_, &[u8]>>| {
            let mut entry = entry.unwrap();
            let mut content = Vec::new();
            entry.read_to_end(&mut content).unwrap();
            (entry.path().unwrap().to_string_lossy().into_owned(), content)
        };
        archive.entries().unwrap().map(read).collect()
    }

    #[test]
    fn everything_the_manifest_names_is_there_under_its_digest() {
        let images = ["storefront", "order-service"]
            .map(|service| ServiceImage::pack(service, "amd64", service.as_bytes()).unwrap());
        let files = files(&archive(&images).unwrap());
        let manifest: Value = serde_json::from_slice(&files["manifest.json"]).unwrap();
        assert_eq!(manifest.as_array().unwrap().len(), 2);
        for (entry, image) in manifest.as_array().unwrap().iter().zip(&images) {
            assert_eq!(entry["RepoTags"][0], image.reference().tagged());
            let config = &files[entry["Config"].as_str().unwrap()];
            assert_eq!(const_hex::encode(Sha256::digest(config)), image.id());
            let layer = &files[entry["Layers"][0].as_str().unwrap()];
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
